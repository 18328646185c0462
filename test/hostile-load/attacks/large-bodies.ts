import { randomUUID } from "node:crypto"
import { send } from "../support/send.ts"
import type { Attack, AttackContext } from "./attack.ts"

/** The size of the largest accepted body, without the bytes around the text. */
const textBytes = 4 * 1024 * 1024 - 1_000

/** Texts that are large in different ways: in bytes, in characters, and in their JSON form. */
const texts = [
  "All work and no play makes Jack a dull boy. ".repeat(textBytes / 44),
  '\n"\\'.repeat(textBytes / 6),
  "名".repeat(textBytes / 3),
  "\u0001".repeat(textBytes / 6),
].map((text) => JSON.stringify(text))

/** Bodies are created before the attack, so that the attacker needs little CPU time. */
const appending = texts.map((text) => Buffer.from(`{"message":${text}}`))
const replacing = texts.map((text, index) =>
  Buffer.from(
    `{"messages":[{"role":"user","content":${text}},{"role":"user","content":"Go on, number ${index}."}]}`,
  ),
)
const manyBlocks = Buffer.from(blocks(3_900, `{"type":"text","text":"${"x".repeat(1_040)}"}`))
const manyMessages = Buffer.from(
  `{"messages":[${`{"role":"user","content":"${"x".repeat(700)}"},{"role":"assistant","content":"yes"},`.repeat(1_900)}{"role":"user","content":"Go on."}]}`,
)
const wrongBlocks = Buffer.from(blocks(9_900, `{"type":"${"x".repeat(400)}"}`))
const tooManyValues = Buffer.from(blocks(1_300_000, "{}"))

function blocks(count: number, block: string): string {
  return `{"message":[${`${block},`.repeat(count)}{"type":"text","text":"Go on."}]}`
}

async function post(context: AttackContext, bodies: readonly Buffer[], headers = {}) {
  const { url, agent, own } = context
  const body = bodies[Math.floor(Math.random() * bodies.length)] ?? Buffer.alloc(0)
  const sent = await send({ url: `${url}/api/chat`, method: "POST", token: own.token, headers, body, agent })
  return sent.status
}

export const largeBodies: readonly Attack[] = [
  { name: "4 MiB message", places: 2, ownSession: true, attack: (context) => post(context, appending) },
  {
    name: "4 MiB history replaced",
    places: 3,
    ownSession: true,
    attack: (context) => post(context, replacing),
  },
  {
    name: "4 MiB with an idempotency key",
    places: 1,
    ownSession: true,
    attack: (context) => post(context, replacing, { "idempotency-key": randomUUID() }),
  },
  { name: "4 MiB of blocks", places: 1, ownSession: true, attack: (context) => post(context, [manyBlocks]) },
  {
    name: "4 MiB of messages",
    places: 1,
    ownSession: true,
    attack: (context) => post(context, [manyMessages]),
  },
  {
    name: "4 MiB of wrong blocks",
    places: 1,
    ownSession: true,
    attack: (context) => post(context, [wrongBlocks]),
  },
  {
    name: "4 MiB of too many values",
    places: 1,
    ownSession: true,
    attack: (context) => post(context, [tooManyValues]),
  },
]
