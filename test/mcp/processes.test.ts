import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { expect, it } from "vitest"
import { startCli } from "../cli-process.ts"
import { eventually } from "../end-to-end/support/eventually.ts"
import { startSession } from "../end-to-end/support/session-client.ts"
import { temporaryFolder } from "../end-to-end/support/temporary-folder.ts"
import { isAlive } from "./support/processes.ts"

/** Starts a gateway like a user, with a server that ignores signals and has a child that ignores them as well. */
async function gatewayWithServer() {
  const folder = await temporaryFolder()
  const journal = join(folder, "journal")
  const agent = fileURLToPath(new URL("fixtures/agent.ts", import.meta.url))
  const gateway = startCli(["start", agent, "--port", "0"], {
    cwd: folder,
    env: { JOURNAL: journal, STUBBORN: "1", ANTHROPIC_API_KEY: "", ANTHROPIC_AUTH_TOKEN: "" },
  })
  const [, url = ""] = await gateway.printed(/^Listening on (http:\S+)\n/m)
  const session = await startSession(url)
  const answer = await session.chat("/tool raise_child {}")
  await answer.rest()
  const pids = () => {
    const lines = existsSync(journal) ? readFileSync(journal, "utf8").split("\n") : []
    return lines.flatMap((line) => line.match(/\d+$/)?.map(Number) ?? [])
  }
  await eventually("the server and its child", () => (pids().length === 2 ? true : null))
  expect(pids().every(isAlive)).toBe(true)
  return { gateway, pids: pids() }
}

it.each(["SIGTERM", "SIGKILL"] as const)("leaves no MCP process after %s to the gateway", async (signal) => {
  const { gateway, pids } = await gatewayWithServer()
  gateway.signal(signal)
  await gateway.exited
  await eventually("the end of all", () => (pids.some(isAlive) ? null : true))
})
