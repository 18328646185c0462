import { setTimeout as delay } from "node:timers/promises"
import { beforeAll, describe, expect, test } from "vitest"
import { eventually } from "./support/eventually.ts"
import { type GatewayProcess, kill, startGateway } from "./support/gateway-process.ts"
import { gate, pausing, says, startModel, words } from "./support/model.ts"
import { atEndOfFile } from "./support/on-end.ts"
import { type Postgres, startPostgres } from "./support/postgres.ts"
import { startSession } from "./support/session-client.ts"
import { temporaryFolder } from "./support/temporary-folder.ts"
import { oneShot, viewers } from "./support/viewers-of-an-answer.ts"

const onEnd = atEndOfFile()
let postgres: Postgres

beforeAll(async () => {
  postgres = await startPostgres(onEnd)
})

/** Longer than the 2.5 seconds after which a process without a confirmed heartbeat has lapsed. */
const stallMs = 4_000

interface Failure {
  readonly what: string
  /** The text of the whole answer. */
  readonly whole: string
  /** Interrupts the stream, and resolves when the gateway serves again. */
  readonly happens: (
    gateway: GatewayProcess,
    restart: () => Promise<unknown>,
    goOn: () => void,
  ) => Promise<void>
}

const failures: readonly Failure[] = [
  {
    what: "SIGTERM",
    whole: "Resumed.",
    async happens(gateway, restart) {
      gateway.signal("SIGTERM")
      expect(await gateway.exited).toBe(0)
      await restart()
    },
  },
  {
    what: "kill -9",
    whole: "Resumed.",
    async happens(gateway, restart) {
      await kill(gateway)
      await restart()
    },
  },
  {
    what: "a lapse",
    whole: words(6).join(""),
    async happens(gateway, _restart, goOn) {
      gateway.signal("SIGSTOP")
      await delay(stallMs)
      gateway.signal("SIGCONT")
      goOn()
    },
  },
]

describe("a client that shows an answer does not take half of it for the whole", () => {
  test.each(failures)("after $what in the middle of it", async ({ what, whole, happens }) => {
    const { opened, open } = gate()
    const model = await startModel([pausing(words(6), 3, opened), says("Resumed.")])
    const folder = await temporaryFolder()
    const database = what.replaceAll(/\W/g, "").toLowerCase()
    const env = { GRACE_MS: "100", STORE: await postgres.createDatabase(database) }
    const gateway = await startGateway({ folder, model, env })
    const session = await startSession(gateway.url)
    const stream = await session.chat("Go")
    const shown = Object.entries(viewers).map(([name, start]) => ({
      name,
      viewer: start(session, gateway.url),
    }))
    for (const { name, viewer } of shown) {
      await eventually(`half of the answer in ${name}`, () => viewer.shown().includes("w3") || null)
    }
    const { port } = new URL(gateway.url)
    const interrupted = expect(stream.rest()).rejects.toThrow("terminated")
    await happens(gateway, () => startGateway({ folder, model, env, port }), open)
    await interrupted
    const ends = shown.map(async ({ name, viewer }) => [name, await viewer.end] as const)
    expect(await Promise.all(ends)).toEqual(
      shown.map(({ name }) => [name, oneShot.includes(name) ? "interrupted" : "whole"]),
    )
    for (const { name, viewer } of shown) {
      if (!oneShot.includes(name))
        expect([name, viewer.shown()]).toEqual([name, expect.stringContaining(whole)])
    }
  })
})
