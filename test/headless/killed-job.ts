import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { anthropicEvents } from "../../src/testing/provider/anthropic-wire.ts"
import { startScriptedUpstream } from "../../src/testing/provider/scripted-upstream.ts"
import { createRandom } from "../crash/support/random.ts"

/**
 * A job that is killed at random moments and started again by a loop of a shell. Needs a build. At most `inRun` of the
 * kills come while its run is open: past twenty crashes of one run, the gateway ends the run. The others come while the
 * process starts, and while it delivers.
 */
const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "50" },
    "in-run": { type: "string", default: "18" },
    "in-delivery": { type: "string", default: "4" },
  },
})
const seed = process.env.CRASH_SEED ?? String(Date.now())
const random = createRandom(seed)
const left = { inRun: Number(values["in-run"]), inDelivery: Number(values["in-delivery"]) }
let atStart = Number(values.kills) - left.inRun - left.inDelivery
process.stdout.write(`CRASH_SEED=${seed}\n`)

const program = fileURLToPath(new URL("../../bin/agent-gateway.js", import.meta.url))
const agent = fileURLToPath(new URL("../fixtures/delivering-agent.ts", import.meta.url))
const cwd = await mkdtemp(join(tmpdir(), "agent-gateway-killed-"))
const loop =
  'until { "$NODE" "$PROGRAM" run "$AGENT" Look. --job a --state-dir state --json > out & echo $! > pid; wait $!; }; do :; done'

let kills = 0
async function kill(): Promise<void> {
  const pid = Number(await readFile(join(cwd, "pid"), "utf8").catch(() => "0"))
  if (pid === 0) return
  try {
    process.kill(pid, "SIGKILL")
    kills += 1
  } catch {
    // The process has just ended by itself.
  }
}

const isOver = () => left.inRun === 0 && atStart === 0
const model = await startScriptedUpstream(() => {
  if (left.inRun > 0 && random.chance(0.4)) {
    left.inRun -= 1
    setTimeout(() => void kill(), random.whole(0, 60))
  }
  const steps = isOver()
    ? anthropicEvents([
        { type: "text", text: ['Done.\n\n## STATE_UPDATE_JSON\n```json\n{ "done": true }\n```'] },
      ])
    : anthropicEvents([{ type: "toolCall", name: "look", input: {} }])
  return { steps: [{ type: "wait", until: delay(random.whole(10, 80)) }, ...steps] }
})
const ids: string[] = []
const receiver = createServer((request, response) => {
  ids.push(String(request.headers["webhook-id"]))
  request.resume()
  if (left.inDelivery > 0) {
    left.inDelivery -= 1
    return void kill()
  }
  response.writeHead(204).end()
})
await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve))
const shell = spawn("sh", ["-c", loop], {
  cwd,
  stdio: ["ignore", "inherit", "ignore"],
  env: {
    ...process.env,
    NODE: process.execPath,
    PROGRAM: program,
    AGENT: agent,
    ANTHROPIC_API_KEY: "test",
    ANTHROPIC_BASE_URL: model.url,
    WEBHOOK_URL: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`,
  },
})
const exited = once(shell, "exit")
const starting = (async () => {
  let last = ""
  while (atStart > 0) {
    await delay(20)
    const pid = await readFile(join(cwd, "pid"), "utf8").catch(() => "")
    if (pid === "" || pid === last) continue
    last = pid
    if (!random.chance(0.7)) continue
    await delay(random.whole(0, 350))
    atStart -= 1
    await kill()
  }
})()
await starting
await exited
receiver.closeAllConnections()
receiver.close()
const output = JSON.parse(await readFile(join(cwd, "out"), "utf8"))
const state = JSON.parse(await readFile(join(cwd, "state/state.json"), "utf8"))
await rm(cwd, { recursive: true, force: true })
const found = {
  outcome: output.outcome,
  webhooks: new Set(ids).size,
  runs: state.run_count,
  done: state.done,
}
process.stdout.write(
  `${kills} kills, ${ids.length} webhooks under ${found.webhooks} id; ${JSON.stringify(found)}\n`,
)
const isRight = found.outcome === "success" && found.webhooks === 1 && found.runs === 1 && found.done === true
process.stdout.write(isRight ? "Passed\n" : "FAILED\n")
process.exit(isRight ? 0 : 1)
