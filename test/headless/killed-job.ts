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
 * Kills a job at random moments, while a shell loop restarts it. Needs a build. By default, 50 kills come while the
 * job's run is open, 4 during its delivery, and 20 at any time after the start of its process.
 */
const { values } = parseArgs({
  options: {
    "in-run": { type: "string", default: "50" },
    "in-delivery": { type: "string", default: "4" },
    "at-any-time": { type: "string", default: "20" },
  },
})
const seed = process.env.CRASH_SEED ?? String(Date.now())
const random = createRandom(seed)
const left = {
  inRun: Number(values["in-run"]),
  inDelivery: Number(values["in-delivery"]),
  atAnyTime: Number(values["at-any-time"]),
}
process.stdout.write(`CRASH_SEED=${seed}\n`)

const program = fileURLToPath(new URL("../../bin/agent-gateway.js", import.meta.url))
const agent = fileURLToPath(new URL("../fixtures/delivering-agent.ts", import.meta.url))
const cwd = await mkdtemp(join(tmpdir(), "agent-gateway-killed-"))
const loop =
  'until { "$NODE" "$PROGRAM" run "$AGENT" Look. --job a --state-dir state --max-turns 1000 --json > out & ' +
  "echo $! > pid; wait $!; }; do :; done"

const kills = { inRun: 0, inDelivery: 0, atAnyTime: 0 }
async function kill(kind: keyof typeof kills): Promise<void> {
  const pid = Number(await readFile(join(cwd, "pid"), "utf8").catch(() => "0"))
  if (pid === 0) return
  try {
    process.kill(pid, "SIGKILL")
    kills[kind] += 1
  } catch {
    // The process has just ended by itself.
  }
}

const model = await startScriptedUpstream(() => {
  // The run stays open until all of its kills have happened.
  const isLast = kills.inRun >= left.inRun
  if (!isLast && random.chance(0.3)) setTimeout(() => void kill("inRun"), random.whole(0, 100))
  const steps = isLast
    ? anthropicEvents([
        { type: "text", text: ['Done.\n\n## STATE_UPDATE_JSON\n```json\n{ "done": true }\n```'] },
      ])
    : anthropicEvents([{ type: "toolCall", name: "look", input: {} }])
  return { steps: [{ type: "wait", until: delay(random.whole(10, 80)) }, ...steps] }
})
const ids: string[] = []
let acknowledged = 0
const receiver = createServer((request, response) => {
  ids.push(String(request.headers["webhook-id"]))
  request.resume()
  if (kills.inDelivery < left.inDelivery) return void kill("inDelivery")
  response.writeHead(204).end(() => {
    acknowledged += 1
  })
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
  while (kills.atAnyTime < left.atAnyTime && shell.exitCode === null) {
    await delay(20)
    const pid = await readFile(join(cwd, "pid"), "utf8").catch(() => "")
    if (pid === "" || pid === last) continue
    last = pid
    if (!random.chance(0.7)) continue
    await delay(random.whole(0, 350))
    await kill("atAnyTime")
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
  webhookIds: new Set(ids).size,
  webhooks: ids.length,
  acknowledged,
  runs: state.run_count,
  done: state.done,
}
process.stdout.write(`kills: ${JSON.stringify(kills)}; ${JSON.stringify(found)}\n`)
const isRight =
  kills.inRun >= left.inRun &&
  found.outcome === "success" &&
  found.webhookIds === 1 &&
  found.acknowledged >= 1 &&
  found.runs === 1 &&
  found.done === true
process.stdout.write(isRight ? "Passed\n" : "FAILED\n")
process.exit(isRight ? 0 : 1)
