import { fileURLToPath } from "node:url"
import { beforeAll, expect, test } from "vitest"
import { connect, type SentEvent } from "../../src/client/index.ts"
import { cliProgram } from "../cli-process.ts"
import { atEndOfFile } from "../end-to-end/support/on-end.ts"
import { type Postgres, startPostgres } from "../end-to-end/support/postgres.ts"
import { temporaryFolder } from "../end-to-end/support/temporary-folder.ts"
import { type ListeningProcess, startListening } from "../listening-process.ts"

const onEnd = atEndOfFile()
const agent = fileURLToPath(new URL("fixtures/asking-agent.ts", import.meta.url))
const tenMinutesMs = 600_000
let postgres: Postgres

beforeAll(async () => {
  postgres = await startPostgres(onEnd)
})

/** Sets the clock of a process forward by so many milliseconds. */
const skewClock = (ms: number) => `const Right = Date
globalThis.Date = class extends Right {
  constructor(...given) {
    if (given.length === 0) super(Right.now() + ${ms})
    else super(...given)
  }
  static now() {
    return Right.now() + ${ms}
  }
}`

async function startNode(store: string, skewMs: number): Promise<ListeningProcess> {
  const preload = `data:text/javascript,${encodeURIComponent(skewClock(skewMs))}`
  const node = await startListening({
    name: `node with a clock of ${skewMs} ms`,
    args: ["--import", preload, cliProgram, "start", agent, "--port", "0"],
    cwd: await temporaryFolder(onEnd),
    env: { STORE: store },
  })
  onEnd(async () => void (await node.end("SIGKILL")))
  return node
}

async function findApproval(events: AsyncIterable<SentEvent>) {
  for await (const event of events) if (event.type === "tool_approval_request") return event
  throw new Error("No approval was requested.")
}

test.each([tenMinutesMs, -tenMinutesMs])(
  "a wait expires by the database's clock, if a node's clock is wrong by %i ms",
  async (skewMs) => {
    const store = await postgres.createDatabase(`skewed_${skewMs < 0 ? "back" : "forward"}`)
    const [right, wrong] = await Promise.all([startNode(store, 0), startNode(store, skewMs)])
    for (const [asking, answering] of [
      [wrong, right],
      [right, wrong],
    ] as const) {
      const asked = connect({ url: `${asking.url}/api`, apiKey: "key" })
      const run = asked.send("Pay")
      const wait = await findApproval(run)
      const secondsLeft = wait.expires_at - Date.now() / 1_000
      expect(secondsLeft).toBeGreaterThan(0)
      expect(secondsLeft).toBeLessThanOrEqual(61)
      const answered = connect({
        url: `${answering.url}/api`,
        apiKey: "key",
        ...(asked.sessionId !== null && { sessionId: asked.sessionId }),
      })
      await answered.approve(wait, { approved: true })
      const texts: string[] = []
      for await (const event of answered.subscribe({ runId: run.id ?? "" })) {
        if (event.type === "text_delta") texts.push(event.text)
      }
      expect(texts.join("")).toBe("Paid.")
    }
  },
)
