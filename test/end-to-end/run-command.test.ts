import { spawn } from "node:child_process"
import { closeSync, existsSync, openSync } from "node:fs"
import { readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { text } from "node:stream/consumers"
import { fileURLToPath } from "node:url"
import { describe, expect, onTestFinished, test } from "vitest"
import type { UpstreamReply } from "../../src/testing/provider/scripted-upstream.ts"
import { startCli } from "../cli-process.ts"
import { eventually } from "./support/eventually.ts"
import { calls, pausing, says, silent, startModel } from "./support/model.ts"
import { temporaryFolder } from "./support/temporary-folder.ts"

const agent = fileURLToPath(new URL("../fixtures/run-agent.ts", import.meta.url))
const program = fileURLToPath(new URL("../../bin/agent-gateway.js", import.meta.url))

type Script = Parameters<typeof startModel>[0]

/** Creates a working folder, and starts a model that plays this script. */
async function setUp(script: Script) {
  const model = await startModel(script)
  const cwd = await temporaryFolder()
  const env = { ANTHROPIC_API_KEY: "test", ANTHROPIC_BASE_URL: model.url }
  const start = (...args: readonly string[]) => startCli(["run", agent, ...args], { cwd, env })
  const run = async (...args: readonly string[]) => {
    const cli = start(...args)
    const code = await cli.exited
    return { code, stdout: cli.stdout(), stderr: cli.stderr() }
  }
  return { model, cwd, env, start, run }
}

const linesOf = (output: string) =>
  output
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line))

describe("agent-gateway run", () => {
  test("prints only the response on stdout, and the progress of tools on stderr", async () => {
    const { run } = await setUp([calls("look", { at: "sky" }), says("It is ", "blue.")])
    const { code, stdout, stderr } = await run("Look.")
    expect({ code, stdout }).toEqual({ code: 0, stdout: "It is blue.\n" })
    expect(stderr).toMatch(/^\[look\] \{"at":"sky"\}\n\[look\] done in \d+\.\d s\n$/)
  })

  test("--quiet shows no progress", async () => {
    const { run } = await setUp([calls("look"), says("Blue.")])
    expect(await run("Look.", "--quiet")).toEqual({ code: 0, stdout: "Blue.\n", stderr: "" })
  })

  test("--json prints the result as one line", async () => {
    const { run } = await setUp([calls("look"), says("Blue.")])
    const { code, stdout } = await run("Look.", "--json")
    expect(code).toBe(0)
    expect(stdout.split("\n")).toHaveLength(2)
    expect(JSON.parse(stdout)).toMatchObject({
      outcome: "success",
      response: "Blue.",
      toolsUsed: ["look"],
      error: null,
      timedOut: false,
    })
  })

  test("--events prints the events of the HTTP API line by line", async () => {
    const { run } = await setUp([calls("look"), says("Bl", "ue.\u2028\n")])
    const { code, stdout } = await run("Look.", "--events")
    expect(code).toBe(0)
    const types = linesOf(stdout).map(({ type }) => type)
    expect(types[0]).toBe("tool_call_start")
    expect(types).toContain("text_delta")
    expect(types.at(-1)).toBe("stream_complete")
  })

  const refused: UpstreamReply = {
    status: 400,
    headers: { "content-type": "application/json" },
    steps: ['{"type":"error","error":{"type":"invalid_request_error","message":"This is no prompt."}}'],
  }

  test.each([
    ["error", 1, refused, []],
    ["timeout", 124, silent, ["--timeout", "2s"]],
    ["max_turns", 3, calls("look"), ["--max-turns", "1"]],
    ["budget_exceeded", 2, says("Never."), ["--budget", "0"]],
  ] as const)(
    "a run that ends with %s prints one line with --json, and whole lines with --events",
    async (...row) => {
      const [outcome, code, reply, options] = row
      const { run } = await setUp(() => reply)
      const json = await run("Look.", "--json", ...options)
      expect({ code: json.code, lines: linesOf(json.stdout) }).toMatchObject({ code, lines: [{ outcome }] })
      const events = await run("Look.", "--events", ...options)
      expect(events.code).toBe(code)
      const types = linesOf(events.stdout).map(({ type }) => type)
      expect(types.at(-1)).toMatch(/^(stream_complete|error)$/)
      expect(events.stderr).toMatch(/^agent-gateway: The run /m)
    },
  )

  test.each([
    ["by default, warnings are lines for people", [], /^\d\d:\d\d:\d\d warn A model call failed\./m],
    ["with --quiet there are no warnings", ["--quiet"], /^agent-gateway: The run failed: [^\n]+\n$/],
    ["with --log none there is no log", ["--log", "none"], /^agent-gateway: The run failed: [^\n]+\n$/],
    ["--log pretty is the whole log", ["--log", "pretty"], /^\d\d:\d\d:\d\d warn A run failed\./m],
    ["--log json is the whole log in JSON", ["--log", "json"], /^\{"level":40,.+"msg":"A run failed\."\}$/m],
    ["--log wins over --quiet", ["--quiet", "--log", "json"], /^\{"level":40,/m],
  ] as const)("on a pipe, %s", async (_, options, stderr) => {
    const { run } = await setUp([refused])
    const ended = await run("Look.", ...options)
    expect(ended).toMatchObject({ code: 1, stdout: "", stderr: expect.stringMatching(stderr) })
    const isJson = options.some((option) => option === "json")
    expect(ended.stderr.includes('{"level"')).toBe(isJson)
  })

  test("a response with line breaks, quotes and escapes stays one line of --json and of --events", async () => {
    const nasty = 'a\n"b"\r\n{"type":"stream_complete"}\u0085\u2028\u2029\u001b[2J\u0000'
    const { run } = await setUp([says(nasty), says(nasty)])
    const json = await run("Look.", "--json")
    expect(linesOf(json.stdout)).toMatchObject([{ response: nasty }])
    const events = linesOf((await run("Look.", "--events")).stdout)
    expect(events.map(({ type, text: piece }) => (type === "text_delta" ? piece : "")).join("")).toBe(nasty)
    expect(events.filter(({ type }) => type === "stream_complete")).toHaveLength(1)
  })

  test("a missing key is an error, as in start", async () => {
    const cwd = await temporaryFolder()
    const cli = startCli(["run", agent, "Look."], { cwd, env: { ANTHROPIC_API_KEY: "", OPENAI_API_KEY: "" } })
    expect(await cli.exited).toBe(1)
    expect(cli.stdout()).toBe("")
    expect(cli.stderr()).toContain("ANTHROPIC_API_KEY")
  })

  test("--session continues a conversation", async () => {
    const { run, model } = await setUp([says("One."), says("Two.")])
    const { sessionId } = JSON.parse((await run("First.", "--json")).stdout)
    expect(await run("Second.", "--session", sessionId)).toMatchObject({ code: 0, stdout: "Two.\n" })
    expect(JSON.stringify(model.requests[1]?.body)).toContain("First.")
  })

  test.each([
    ["--timeout", "2s", 124, "its time limit expired", silent],
    ["--max-turns", "1", 3, "maximum number of turns", calls("look")],
    ["--budget", "0", 2, "budget", says("Never.")],
  ] as const)("%s %s ends with %i", async (option, value, code, message, reply) => {
    const { run } = await setUp([reply])
    expect(await run("Look.", option, value)).toMatchObject({
      code,
      stdout: "",
      stderr: expect.stringContaining(message),
    })
  })

  test("without a terminal no one is asked: the call is denied, unless --yes names its tool", async () => {
    const { run, cwd } = await setUp([calls("pay"), says("No."), calls("pay"), says("Yes.")])
    const refused = await run("Pay.")
    expect(refused).toMatchObject({ code: 0, stdout: "No.\n" })
    expect(refused.stderr).toMatch(/Calls of pay .* were denied.* To allow them: --yes pay\./)
    expect(existsSync(join(cwd, "paid.txt"))).toBe(false)
    const allowed = await run("Pay.", "--yes", "pay")
    expect(allowed).toMatchObject({ code: 0, stdout: "Yes.\n" })
    expect(allowed.stderr).not.toContain("were denied")
    expect(await readFile(join(cwd, "paid.txt"), "utf8")).toBe("paid\n")
  })

  test("a parked job ends with 75, is answered by agent-gateway approvals, and continues", async () => {
    const { run, cwd, env } = await setUp([calls("pay"), says("Paid.")])
    const job = ["Pay.", "--job", "bill", "--on-human-needed", "park"]
    expect(await run(...job)).toMatchObject({
      code: 75,
      stdout: "",
      stderr: expect.stringMatching(
        /To answer: agent-gateway approvals list\. Then run this command again to continue\.\n$/,
      ),
    })
    const list = startCli(["approvals", "list", "--json"], { cwd, env })
    await list.exited
    const { items } = JSON.parse(list.stdout())
    await startCli(["approvals", "approve", items[0].toolCallId], { cwd, env }).exited
    expect(await run(...job)).toMatchObject({ code: 0, stdout: "Paid.\n" })
  })

  test("SIGINT cancels the run, and prints how to continue the conversation", async () => {
    const { start, run, model } = await setUp([silent, says("Here I am.")])
    const cli = start("Think.")
    await eventually("the model call", () => model.requests[0] ?? null)
    cli.signal("SIGINT")
    expect(await cli.exited).toBe(130)
    const [, session = ""] = /--session (\S+)/.exec(cli.stderr()) ?? []
    expect(await run("Again.", "--session", session)).toMatchObject({ code: 0, stdout: "Here I am.\n" })
  })

  test("SIGTERM cancels a run without a job; --json still prints its one line", async () => {
    const { start, model } = await setUp([silent])
    const cli = start("Think.", "--json")
    await eventually("the model call", () => model.requests[0] ?? null)
    cli.signal("SIGTERM")
    expect(await cli.exited).toBe(143)
    expect(linesOf(cli.stdout())).toMatchObject([{ outcome: "error", errorCode: "cancelled" }])
    expect(cli.stderr()).toContain("--session")
  })

  test("a signal also ends the wait for a task on standard input", async () => {
    const { model, env, cwd } = await setUp([])
    const child = spawn(process.execPath, [program, "run", agent, "-"], {
      cwd,
      env: { ...process.env, ...env },
      stdio: ["pipe", "pipe", "pipe"],
    })
    onTestFinished(() => void child.kill("SIGKILL"))
    const closed = new Promise((resolve) => child.on("close", resolve))
    // More than a pipe can hold. Once all of it is written, the command is reading.
    await new Promise((resolve) => child.stdin.write("x".repeat(300_000), resolve))
    child.kill("SIGINT")
    expect(await closed).toBe(130)
    expect(model.requests).toEqual([])
  })

  test.each(["SIGTERM", "SIGKILL"] as const)(
    "a job that %s ended continues, and finishes once",
    async (signal) => {
      const reached = Promise.withResolvers<void>()
      let requests = 0
      const { start, run, model, cwd } = await setUp(() => {
        requests += 1
        if (requests === 1) return calls("look")
        if (requests > 2) return says("Done.")
        reached.resolve()
        return silent
      })
      const job = ["Look.", "--job", "a", "--state-dir", "state"]
      const cli = start(...job)
      await reached.promise
      cli.signal(signal)
      expect(await cli.exited).toBe(signal === "SIGTERM" ? 143 : "SIGKILL")
      if (signal === "SIGTERM") expect(cli.stderr()).toContain("run the same command again")
      expect(await run(...job)).toMatchObject({ code: 0, stdout: "Done.\n" })
      const again = await run(...job)
      expect(again).toMatchObject({
        code: 0,
        stdout: "Done.\n",
        stderr: expect.stringContaining("is already done"),
      })
      expect(model.requests).toHaveLength(3)
      const state = JSON.parse(await readFile(join(cwd, "state/state.json"), "utf8"))
      expect(state).toMatchObject({ run_count: 1, outcome: "success" })
    },
  )

  test("a reader that disconnects cancels the run", async () => {
    const gone = Promise.withResolvers<void>()
    const { start, cwd, env } = await setUp([pausing(["One ", "two ", "three."], 1, gone.promise), silent])
    const cli = start("Count.", "--events")
    await cli.printed(/One/)
    cli.child.stdout?.destroy()
    gone.resolve()
    expect(await cli.exited).toBe(141)
    expect(cli.stderr()).toBe("")
    const list = startCli(["sessions", "list", "--json"], { cwd, env })
    await list.exited
    expect(JSON.parse(list.stdout()).items).toMatchObject([{ state: "idle" }])
  })

  test.each([[], ["--json"]])(
    "a reader that disconnected before the response causes no message (%j)",
    async (...args) => {
      const gone = Promise.withResolvers<void>()
      const { start } = await setUp([pausing(["One ", "two."], 1, gone.promise)])
      const cli = start("Count.", "--quiet", ...args)
      cli.child.stdout?.destroy()
      gone.resolve()
      expect(await cli.exited).toBe(141)
      expect(cli.stderr()).toBe("")
    },
  )

  test("a closed reader of standard error stops the run", async () => {
    const { start } = await setUp([calls("look"), silent])
    const cli = start("Look.")
    cli.child.stderr?.destroy()
    expect(await cli.exited).toBe(141)
    expect(cli.stdout()).toBe("")
  })

  test("closed standard streams do not matter: the run completes", async () => {
    const { cwd, env } = await setUp([calls("pay"), says("Done.")])
    const script = '"$0" "$1" run "$2" Pay. --state-dir state <&- >&- 2>&-'
    const child = spawn("sh", ["-c", script, process.execPath, program, agent], {
      cwd,
      env: { ...process.env, ...env },
      stdio: "ignore",
    })
    expect(await new Promise((resolve) => child.on("close", resolve))).toBe(0)
    const state = JSON.parse(await readFile(join(cwd, "state/state.json"), "utf8"))
    expect(state).toMatchObject({ run_count: 1, outcome: "success" })
  })

  test.runIf(existsSync("/dev/full"))("a full disk under stdout is an error", async () => {
    const { cwd, env } = await setUp([says("A long answer.")])
    const full = openSync("/dev/full", "w")
    onTestFinished(() => closeSync(full))
    const child = spawn(process.execPath, [program, "run", agent, "Look."], {
      cwd,
      env: { ...process.env, ...env },
      stdio: ["ignore", full, "pipe"],
    })
    const [stderr, code] = await Promise.all([
      text(child.stderr as NonNullable<typeof child.stderr>),
      new Promise((resolve) => child.on("close", resolve)),
    ])
    expect(code).toBe(1)
    expect(stderr).toMatch(/agent-gateway: standard output cannot be written: .*ENOSPC/)
  })

  test("a state that cannot be written is an error, and the response is printed", async () => {
    const { cwd, run } = await setUp([says("Done.")])
    await writeFile(join(cwd, "file"), "")
    expect(await run("Look.", "--state-dir", "file/below")).toMatchObject({ code: 1 })
  })

  test.each([
    [["--json", "--events"], "not both"],
    [["--timeout", "soon"], "--timeout must be"],
    [["--timeout", "0"], "--timeout must be"],
    [["--budget", "-1"], "--budget"],
    [["--max-turns", "0"], "--max-turns must be"],
    [["--on-human-needed", "guess"], "--on-human-needed must be"],
    [["--job", " "], "--job is empty"],
    [["--log", "yaml"], "--log must be one of pretty, json, none"],
  ])("%j is refused in one line", async (args, message) => {
    const cli = startCli(["run", agent, "Look.", ...args])
    expect(await cli.exited).toBe(2)
    expect(cli.stderr()).toMatch(/^agent-gateway: [^\n]+\n$/)
    expect(cli.stderr()).toContain(message)
  })
})

describe("agent-gateway heartbeat", () => {
  const beat = fileURLToPath(new URL("../fixtures/run-agent.ts", import.meta.url))

  test("prints alerts only, skips an empty checklist, and continues after a restart", async () => {
    const { cwd, env, model } = await setUp([
      says("HEARTBEAT_OK"),
      says("The disk of the build server is full.\n\n", "HEARTBEAT_OK"),
    ])
    const once = async () => {
      const args = ["heartbeat", beat, "--checklist", "HEARTBEAT.md", "--interval", "1s", "--max-ticks", "1"]
      const cli = startCli(args, { cwd, env })
      const code = await cli.exited
      return { code, stdout: cli.stdout() }
    }
    expect(await once()).toEqual({ code: 0, stdout: "" })
    await writeFile(join(cwd, "HEARTBEAT.md"), "- the disk\n")
    expect(await once()).toEqual({ code: 0, stdout: "" })
    expect(await once()).toEqual({ code: 0, stdout: "The disk of the build server is full.\n" })
    expect(JSON.stringify(model.requests[0]?.body)).toContain("the disk")
    const state = JSON.parse(
      await readFile(join(cwd, ".agent-gateway-heartbeat/heartbeat_state.json"), "utf8"),
    )
    expect(state).toMatchObject({ tick_count: 3, last_outcome: "alert" })
  })

  test.each(["SIGTERM", "SIGKILL"] as const)("a tick that %s ended is continued", async (signal) => {
    const reached = Promise.withResolvers<void>()
    let requests = 0
    const { cwd, env, model } = await setUp(() => {
      requests += 1
      if (requests === 1) return calls("look")
      if (requests > 2) return says("It is blue, and that is not well.")
      reached.resolve()
      return silent
    })
    const start = () => startCli(["heartbeat", beat, "--max-ticks", "1"], { cwd, env })
    const cli = start()
    await reached.promise
    cli.signal(signal)
    expect(await cli.exited).toBe(signal === "SIGTERM" ? 0 : "SIGKILL")
    const again = start()
    expect(await again.exited).toBe(0)
    expect(again.stdout()).toBe("It is blue, and that is not well.\n")
    expect(model.requests).toHaveLength(3)
  })

  test.each([
    [["--interval", "now"], 2, "--interval must be"],
    [["--active-hours", "8"], 2, "--active-hours must be"],
    [["--timezone", "Mars/Olympus"], 1, "timezone"],
    [["--cron", "sometimes"], 1, "cron"],
  ])("%j is refused in one line", async (args, code, message) => {
    const { cwd, env } = await setUp([])
    const cli = startCli(["heartbeat", beat, ...args], { cwd, env })
    expect(await cli.exited).toBe(code)
    expect(cli.stderr()).toMatch(/^agent-gateway: [^\n]+\n$/)
    expect(cli.stderr()).toContain(message)
  })
})
