import { send } from "../support/send.ts"
import type { Attack, AttackContext } from "./attack.ts"

/** Starts a run with one of the agent's models, and reads its stream to the end. */
async function run({ url, agent, own }: AttackContext, model: string): Promise<number> {
  const body = Buffer.from(JSON.stringify({ message: "Go on.", model }))
  return (await send({ url: `${url}/api/chat`, method: "POST", token: own.token, body, agent })).status
}

export const runs: readonly Attack[] = [
  {
    name: "pattern that backtracks",
    places: 4,
    ownSession: true,
    attack: (context) => run(context, "checker"),
  },
  { name: "tool call of 1 MB", places: 2, ownSession: true, attack: (context) => run(context, "echoer") },
  { name: "20 000 tokens at once", places: 2, ownSession: true, attack: (context) => run(context, "talker") },
  { name: "short runs", places: 10, ownSession: true, attack: (context) => run(context, "quick") },
]
