import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it, onTestFinished, vi } from "vitest"
import { tool } from "../../kernel/tools/local-tool.ts"
import { type ScriptedTurn, scriptedProvider } from "../../testing/provider/scripted-provider.ts"
import {
  type AutonomousOptions,
  type AutonomousRetryOptions,
  runAutonomous,
  runAutonomousWithRetry,
} from "./run-autonomous.ts"

const say = (text: string) => ({ type: "text", text }) as const
const forever = { type: "wait", until: new Promise(() => {}) } as const
const logger = { debug() {}, info() {}, warn() {}, error() {} }

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "agent-gateway-autonomous-"))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  return path
}

const run = (script: readonly ScriptedTurn[], options: AutonomousOptions = {}) =>
  runAutonomous("You work.", "Work.", {
    provider: scriptedProvider(script),
    store: "memory",
    logger,
    ...options,
  })

const pay = tool({
  name: "pay",
  description: "Pays.",
  inputSchema: { type: "object" },
  needsApproval: true,
  execute: () => "paid",
})
const callPay: ScriptedTurn = [{ type: "toolCall", name: "pay" }]
const updating = (json: string) => [say(`Done.\n\n## STATE_UPDATE_JSON\n\`\`\`json\n${json}\n\`\`\``)]

describe("runAutonomous", () => {
  it("resolves to the output of the run", async () => {
    expect(await run([[say("Done.")]])).toMatchObject({
      response: "Done.",
      error: null,
      timedOut: false,
      runId: expect.stringMatching(/^run_/),
      warnings: [],
    })
  })

  it("returns the texts of all messages as the transcript", async () => {
    const look = tool({
      name: "look",
      description: "Looks.",
      inputSchema: { type: "object" },
      execute: () => "seen",
    })
    const script: readonly ScriptedTurn[] = [
      [say("I look."), { type: "toolCall", name: "look" }],
      [say("Done.")],
    ]
    expect(await run(script, { tools: [look] })).toMatchObject({
      response: "Done.",
      transcript: "I look.\n\nDone.",
    })
  })

  it("cancels the run after its time limit, including its tools", async () => {
    const aborted = Promise.withResolvers<void>()
    const slow = tool({
      name: "slow",
      description: "Never ends.",
      inputSchema: { type: "object" },
      execute: (_input, { signal }) =>
        new Promise((_, reject) => {
          const stop = () => {
            aborted.resolve()
            reject(signal.reason)
          }
          if (signal.aborted) stop()
          else signal.addEventListener("abort", stop)
        }),
    })
    const script = [[{ type: "toolCall", name: "slow" }]] as const
    const output = await run(script, { tools: [slow], timeoutSeconds: 7 })
    expect(output).toMatchObject({ timedOut: true, error: null, toolsUsed: ["slow"] })
    await aborted.promise
  })

  it("reports that its caller canceled it", async () => {
    const stop = new AbortController()
    const output = run([[say("Half"), forever]], { signal: stop.signal, onText: () => stop.abort() })
    expect(await output).toMatchObject({ errorCode: "cancelled", timedOut: false })
    expect(await run([], { signal: AbortSignal.abort() })).toMatchObject({
      errorCode: "cancelled",
      runId: null,
    })
  })

  it("stops at maxTurns, which is 40 by default", async () => {
    const look = tool({ name: "look", description: "L", inputSchema: { type: "object" }, execute: () => "x" })
    const loops = Array.from({ length: 41 }, () => [{ type: "toolCall", name: "look" }] as const)
    const provider = scriptedProvider(loops)
    const output = await runAutonomous("", "Work.", { provider, store: "memory", logger, tools: [look] })
    expect(output).toMatchObject({ maxTurnsReached: true, error: null })
    expect(provider.requests).toHaveLength(40)
  })

  it("returns the output of a finished job, including its timeout", async () => {
    const store = await folder()
    const first = await run([[forever]], { store, jobId: "a", timeoutSeconds: 1 })
    expect(first).toMatchObject({ timedOut: true })
    expect(await run([], { store, jobId: "a", timeoutSeconds: 1 })).toEqual(first)
  })

  it("rejects for options that cannot work", async () => {
    await expect(run([], { timeoutSeconds: -1 })).rejects.toMatchObject({ code: "invalid_configuration" })
    await expect(run([], { stateFile: "../x" })).rejects.toMatchObject({ code: "invalid_configuration" })
    await expect(run([], { mispelt: 1 } as object)).rejects.toMatchObject({ code: "invalid_configuration" })
  })
})

describe("a call that needs a person", () => {
  it("is denied by default", async () => {
    const output = await run([callPay, [say("I could not.")]], { tools: [pay] })
    expect(output).toMatchObject({ response: "I could not.", error: null })
  })

  it("ends the run with fail", async () => {
    expect(await run([callPay], { tools: [pay], onHumanNeeded: "fail" })).toMatchObject({
      error: "A person must approve a call of pay.",
      errorCode: "human_needed",
    })
  })

  it("leaves the run open with park", async () => {
    expect(await run([callPay], { tools: [pay], onHumanNeeded: "park" })).toMatchObject({
      parked: true,
      error: null,
    })
  })

  it.each(["deny", "park", "fail"] as const)(
    "runs if its tool is approved, with %s",
    async (onHumanNeeded) => {
      const options = { tools: [pay], onHumanNeeded, approvedTools: ["pay"] }
      expect(await run([callPay, [say("Paid.")]], options)).toMatchObject({
        response: "Paid.",
        parked: false,
        error: null,
      })
    },
  )

  it("is decided by a callback", async () => {
    const onApproval = vi.fn(() => ({ approved: true }))
    expect(await run([callPay, [say("Paid.")]], { tools: [pay], onApproval })).toMatchObject({
      response: "Paid.",
    })
    expect(onApproval).toHaveBeenCalledOnce()
  })
})

describe("the state", () => {
  const stateOf = async (dir: string) => JSON.parse(await readFile(join(dir, "state.json"), "utf8"))

  it("is shown to the next run, and the update in its response is merged", async () => {
    const stateDir = await folder()
    await run([updating('{ "seen": 3, "open": ["a"] }')], { stateDir })
    const provider = scriptedProvider([updating('{ "seen": 4, "open": null }')])
    const output = await runAutonomous("", "Work.", { provider, store: "memory", logger, stateDir })
    expect(JSON.stringify(provider.requests[0]?.messages)).toContain('\\"seen\\": 3')
    expect(await stateOf(stateDir)).toMatchObject({
      seen: 4,
      outcome: "success",
      run_count: 2,
      failure_count: 0,
      last_run: new Date(output.endedAt ?? 0).toISOString(),
      last_summary: "Done.",
    })
    expect(await stateOf(stateDir)).not.toHaveProperty("open")
  })

  it("counts failures, and keeps the model's former response", async () => {
    const stateDir = await folder()
    await run([updating('{ "seen": 3, "run_count": 99, "outcome": "fine" }')], { stateDir })
    await run([[{ type: "failure", code: "invalid_request" }]], { stateDir })
    expect(await stateOf(stateDir)).toMatchObject({
      seen: 3,
      outcome: "error",
      run_count: 2,
      failure_count: 1,
      error: expect.any(String),
    })
  })

  it("is updated by the last block of JSON in a response without the heading", async () => {
    const stateDir = await folder()
    await run([[say('Done.\n```json\n{"seen": 1}\n```\nNow:\n```json\n{"seen": 2}\n```')]], { stateDir })
    expect(await stateOf(stateDir)).toMatchObject({ seen: 2, run_count: 1 })
  })

  it("of the Python package has no stale flag after a run", async () => {
    const stateDir = await folder()
    const flags = { timed_out: true, budget_exceeded: true, max_turns_reached: true }
    const servers = { briefing_file: "a.md", connected_servers: ["files"], active_servers: [] }
    await writeFile(join(stateDir, "state.json"), JSON.stringify({ ...flags, ...servers, seen: 1 }))
    await run([[say("Done.")]], { stateDir })
    const state = await stateOf(stateDir)
    expect(state).toMatchObject({
      ...{ seen: 1, timed_out: false, budget_exceeded: false, max_turns_reached: false },
    })
    expect(Object.keys(state)).not.toEqual(expect.arrayContaining(["connected_servers"]))
    await run([updating('{ "connected_servers": ["own"] }')], { stateDir })
    await run([[{ type: "toolCall", name: "pay" }]], { stateDir, maxTurns: 1, tools: [pay] })
    expect(await stateOf(stateDir)).toMatchObject({ connected_servers: ["own"], max_turns_reached: true })
  })

  it("is updated once for each job, however often the job is started", async () => {
    const [store, stateDir] = [await folder(), await folder()]
    const script = updating('{ "seen": 1 }')
    const other = updating('{ "seen": 2 }')
    await run([script], { store, stateDir, jobId: "a" })
    await run([other], { store, stateDir, jobId: "b" })
    await run([], { store, stateDir, jobId: "a" })
    expect(await stateOf(stateDir)).toMatchObject({ seen: 2, run_count: 2 })
  })

  it("is not changed by an update that is not JSON, which is a warning", async () => {
    const stateDir = await folder()
    const output = await run([updating("{ seen: 3")], { stateDir })
    expect(output).toMatchObject({ error: null, warnings: [expect.stringContaining("not saved")] })
    expect(await stateOf(stateDir)).toMatchObject({ run_count: 1 })
  })

  it("that cannot be read starts no run and is not overwritten", async () => {
    const stateDir = await folder()
    await writeFile(join(stateDir, "state.json"), "not JSON")
    expect(await run([], { stateDir })).toMatchObject({ errorCode: "state_unreadable", runId: null })
    expect(await readFile(join(stateDir, "state.json"), "utf8")).toBe("not JSON")
  })

  it("that cannot be written is an error of the run, which keeps its response", async () => {
    const stateDir = join(await folder(), "state")
    await mkdir(join(stateDir, "state.json.lock"), { recursive: true })
    expect(await run([[say("Done.")]], { stateDir })).toMatchObject({
      response: "Done.",
      error: expect.stringContaining("its state was not saved"),
    })
  })

  it("is not saved while the run is parked", async () => {
    const stateDir = await folder()
    await run([callPay], { tools: [pay], onHumanNeeded: "park", stateDir })
    await expect(stateOf(stateDir)).rejects.toMatchObject({ code: "ENOENT" })
  })
})

describe("runAutonomousWithRetry", () => {
  const busy: ScriptedTurn = [{ type: "failure", code: "overloaded" }]
  const retry = (script: readonly ScriptedTurn[], options: AutonomousRetryOptions = {}) => {
    const provider = scriptedProvider(script)
    const output = runAutonomousWithRetry("", "Work.", {
      provider,
      store: "memory",
      logger,
      maxRetries: 2,
      backoffSeconds: 0,
      ...options,
    })
    return { provider, output }
  }

  it("runs again in a new session", async () => {
    const { output, provider } = retry([busy, [say("Done.")]])
    expect(await output).toMatchObject({ response: "Done.", error: null })
    expect(provider.requests[1]?.messages).toHaveLength(1)
  })

  it("continues a job at the point where it stopped", async () => {
    const store = await folder()
    const first = retry([busy, busy], { store, jobId: "a", maxRetries: 1 })
    expect(await first.output).toMatchObject({ errorCode: "overloaded" })
    // The second start allows one more retry, so it calls the model only for that one.
    const second = retry([[say("Done.")]], { store, jobId: "a" })
    expect(await second.output).toMatchObject({ response: "Done." })
    expect(second.provider.requests).toHaveLength(1)
  })
})

it("runAutonomousWithRetry repeats a function while its error is transient", async () => {
  const attempts: number[] = []
  const output = await runAutonomousWithRetry(
    async (attempt) => {
      attempts.push(attempt)
      if (attempt === 1) throw new Error("503 Service Unavailable")
      return run([[say("Done.")]])
    },
    { backoffSeconds: 0 },
  )
  expect(output).toMatchObject({ response: "Done.", error: null })
  expect(attempts).toEqual([1, 2])
  const signal = AbortSignal.abort()
  const failed = async () => Promise.reject(new Error("503"))
  await expect(runAutonomousWithRetry(failed, { signal })).rejects.toThrow("503")
  await expect(runAutonomousWithRetry(failed, { tools: [] } as object)).rejects.toMatchObject({
    code: "invalid_configuration",
  })
})
