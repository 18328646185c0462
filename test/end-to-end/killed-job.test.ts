import { readFile } from "node:fs/promises"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { expect, onTestFinished, test } from "vitest"
import { type CliProcess, startCli } from "../cli-process.ts"
import { calls, says, startModel } from "./support/model.ts"
import { temporaryFolder } from "./support/temporary-folder.ts"

// After each kill, a process must start.

const agent = fileURLToPath(new URL("../fixtures/delivering-agent.ts", import.meta.url))
const turns = 4

test("a job that is killed at each of its turns and in its delivery ends with one result, one delivery and one update", async () => {
  let running: CliProcess | null = null
  const kill = () => running?.signal("SIGKILL")
  const killedAt = new Set<string>()
  const killOnce = (point: string) => {
    if (killedAt.has(point)) return false
    killedAt.add(point)
    kill()
    return true
  }
  const model = await startModel(({ body }) => {
    const results = JSON.stringify(body).split('"tool_result"').length - 1
    killOnce(`turn ${results}`)
    if (results < turns) return calls("look")
    return says('Done.\n\n## STATE_UPDATE_JSON\n```json\n{ "done": true }\n```')
  })
  const ids: unknown[] = []
  const receiver = createServer((request, response) => {
    ids.push(request.headers["webhook-id"])
    request.resume()
    // The delivery was received and is not acknowledged yet.
    if (killOnce("delivery")) return
    response.writeHead(204).end()
  })
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve))
  onTestFinished(() => {
    receiver.closeAllConnections()
    receiver.close()
  })
  const cwd = await temporaryFolder()
  const env = {
    ANTHROPIC_API_KEY: "test",
    ANTHROPIC_BASE_URL: model.url,
    WEBHOOK_URL: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`,
  }
  const args = ["run", agent, "Look.", "--job", "a", "--state-dir", "state", "--json"]
  const codes: (number | NodeJS.Signals)[] = []
  let last: CliProcess
  do {
    last = startCli(args, { cwd, env })
    running = last
    codes.push(await last.exited)
  } while (codes.at(-1) !== 0 && codes.length < 20)
  expect(killedAt.size).toBe(turns + 2)
  expect(codes.at(-1)).toBe(0)
  expect(JSON.parse(last.stdout())).toMatchObject({ outcome: "success", warnings: [] })
  // A receiver that recognizes repetitions by their id counts one delivery.
  expect(new Set(ids).size).toBe(1)
  const state = JSON.parse(await readFile(join(cwd, "state/state.json"), "utf8"))
  expect(state).toMatchObject({ done: true, run_count: 1, outcome: "success" })
})
