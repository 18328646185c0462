import { mkdir, readdir, stat, utimes } from "node:fs/promises"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { bash, createRunner, selectResults } from "../fixtures/claude-runner.ts"
import { collect, createDecidedRequest, createRequest, outline } from "../fixtures/runner-calls.ts"
import { createQueryResult, type ScriptedClaude, streamMessage } from "../fixtures/scripted-claude.ts"
import { computeUuid } from "./process/session-folder.ts"

describe("Claude Code", () => {
  it("starts without settings, and with the given environment only", async () => {
    const { runner, queries, folder } = await createRunner(
      [
        async function* () {
          yield createQueryResult()
        },
      ],
      { env: { ANTHROPIC_API_KEY: "key", HOME: "/root" }, builtInTools: ["Bash"] },
    )
    await collect(runner, createRequest())
    const [options] = queries
    expect(options).toMatchObject({
      tools: ["Bash"],
      settingSources: [],
      strictMcpConfig: true,
      skills: [],
      plugins: [],
      verbatimPrompts: true,
      permissionMode: "default",
      settings: { permissions: { ask: ["Bash"] } },
      hooks: { PreToolUse: [{ onFailure: "block" }] },
    })
    const home = join(folder, computeUuid("session", "sess_1"))
    expect(options?.env).toMatchObject({ ANTHROPIC_API_KEY: "key", HOME: join(home, "home") })
    const inherited = Object.keys(process.env).filter((name) => options?.env[name] === process.env[name])
    expect(inherited.filter((name) => name !== "LANG")).toEqual([])
    expect((await stat(home)).mode & 0o077).toBe(0)
  })

  it("receives the whole conversation if its session is not on this machine", async () => {
    const heard: string[] = []
    const script = async function* (claude: ScriptedClaude) {
      heard.push(await claude.heard())
      yield createQueryResult()
    }
    const { runner, writeTranscript } = await createRunner([script, script])
    const messages = [
      { role: "user", content: [{ type: "text", text: "I am Ann." }] },
      { role: "assistant", content: [{ type: "text", text: "Hello, Ann." }] },
      { role: "user", content: [{ type: "text", text: "Who am I?" }] },
    ] as const
    await collect(runner, createRequest({ messages }))
    await writeTranscript()
    await collect(runner, createRequest({ messages }))
    expect(heard[0]).toContain("User: I am Ann.\n\nAssistant: Hello, Ann.")
    expect(heard[0]).toMatch(/Who am I\?$/)
    expect(heard[1]).toBe("Who am I?")
  })

  it("learns after a crash that it was interrupted, if it had received the message", async () => {
    const heard: string[] = []
    const script = async function* (claude: ScriptedClaude) {
      heard.push(await claude.heard())
      yield createQueryResult()
    }
    const { runner, writeTranscript } = await createRunner([script, script])
    await writeTranscript()
    await collect(runner, createRequest({ reason: "resume" }))
    await writeTranscript(`{"uuid":"${computeUuid("run", "run_1")}"}\n`)
    await collect(runner, createRequest({ reason: "resume" }))
    expect(heard[0]).toBe("Go.")
    expect(heard[1]).toMatch(/^The server stopped while you responded/)
  })

  it("executes no call for an approval whose session is lost", async () => {
    const { runner, queries } = await createRunner([])
    const request = createDecidedRequest([{ type: "state", state: { asked: bash } }], [{ id: bash.id }])
    await expect(collect(runner, request)).rejects.toMatchObject({ code: "agent_session_lost" })
    expect(queries).toEqual([])
  })

  it.each([
    [{ subtype: "error_max_turns" }, "The agent failed: error_max_turns."],
    [{ is_error: true, api_error_status: 401 }, "The agent failed: error (a service answered 401)."],
    [{ subtype: "<script>", is_error: true }, "The agent failed: error."],
  ])("fails the run with %o", async (fields, message) => {
    const { runner } = await createRunner([
      async function* () {
        yield createQueryResult({ result: "sk-ant-secret", ...fields })
      },
    ])
    await expect(collect(runner, createRequest())).rejects.toMatchObject({ code: "agent_failed", message })
  })

  it("fails the run if it ends without a result, and if it does not end in time", async () => {
    const { runner } = await createRunner([async function* () {}])
    await expect(collect(runner, createRequest())).rejects.toThrow("The agent failed: no_result.")
    const slow = await createRunner(
      [
        async function* () {
          await new Promise(() => {})
          yield {}
        },
      ],
      { timeoutMs: 20 },
    )
    await expect(collect(slow.runner, createRequest())).rejects.toThrow("The agent failed: timeout.")
  })

  it("is stopped by a cancel, even while the run waits for a place", async () => {
    const stop = new AbortController()
    const started = Promise.withResolvers<void>()
    const { runner, queries } = await createRunner(
      [
        async function* ({ options }) {
          started.resolve()
          await new Promise((resolve) => options.abortController.signal.addEventListener("abort", resolve))
          yield {}
        },
        async function* () {
          yield createQueryResult()
        },
      ],
      { maxProcesses: 1 },
    )
    const runs = ["sess_1", "sess_2"].map((sessionId) =>
      collect(runner, createRequest({ sessionId, signal: stop.signal })),
    )
    const ended = Promise.allSettled(runs)
    await started.promise
    stop.abort(new Error("canceled"))
    const rejected = { status: "rejected", reason: stop.signal.reason }
    expect(await ended).toEqual([rejected, rejected])
    expect(queries).toHaveLength(1)
    await collect(runner, createRequest({ sessionId: "sess_3" }))
    expect(queries).toHaveLength(2)
  })

  it("may send any message, and unknown ones are skipped", async () => {
    const strange = [null, 7, "x", {}, { type: "assistant" }, { type: "stream_event", event: 3 }]
    const { runner } = await createRunner([
      async function* () {
        yield* strange as object[]
        yield { type: "user", message: { content: [{ type: "tool_result", tool_use_id: "toolu_?" }] } }
        yield { type: "assistant", message: { content: [{ type: "tool_use" }, null, 3] } }
        yield* streamMessage("Hi.")
        yield createQueryResult()
      },
    ])
    const events = await collect(runner, createRequest())
    expect(outline(events)).toContain("Hi.")
    expect(selectResults(events)).toEqual([])
  })

  it("has old session folders removed", async () => {
    const { runner, folder } = await createRunner([
      async function* () {
        yield createQueryResult()
      },
    ])
    const old = join(folder, computeUuid("session", "old"))
    const others = join(folder, "something-else")
    for (const path of [old, others]) {
      await mkdir(path)
      await utimes(path, new Date(0), new Date(0))
    }
    await collect(runner, createRequest())
    expect((await readdir(folder)).toSorted()).toEqual(
      [computeUuid("session", "sess_1"), "something-else"].toSorted(),
    )
  })
})
