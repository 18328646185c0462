import { once } from "node:events"
import { readFile, writeFile } from "node:fs/promises"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { json } from "node:stream/consumers"
import { describe, expect, onTestFinished, test } from "vitest"
import type { ScriptedUpstream, UpstreamReply } from "../../src/testing/provider/scripted-upstream.ts"
import { startCli } from "../cli-process.ts"
import { assemble } from "../end-to-end/support/assemble.ts"
import type { Frame } from "../end-to-end/support/event-stream.ts"
import { answers, calls, says, startModel } from "../end-to-end/support/model.ts"
import { startSession } from "../end-to-end/support/session-client.ts"
import { temporaryFolder } from "../end-to-end/support/temporary-folder.ts"
import { runProgram } from "./support/run-program.ts"

const fileOf = (name: string) => join(import.meta.dirname, "fixtures", name)
const environmentOf = (model: ScriptedUpstream) => ({
  ANTHROPIC_API_KEY: "sk-1",
  ANTHROPIC_BASE_URL: model.url,
})

/** Serves a tier of the Python package's README with a scripted model. */
async function serve(name: string, replies: readonly UpstreamReply[], folder?: string) {
  const cwd = folder ?? (await temporaryFolder())
  const model = await startModel(replies)
  const cli = startCli(["start", fileOf(name), "--port", "0"], { cwd, env: environmentOf(model) })
  // A killed gateway leaves folders of a sandbox that their owner cannot empty before it may write to them.
  onTestFinished(async () => {
    cli.signal("SIGTERM")
    await cli.exited
  })
  const [, url = ""] = await cli.printed(/Listening on (http:\S+?)[,\s]/m)
  return { model, url }
}

/** Sends a message as a client of the Python package does, and allows each call that asks. */
async function chat(url: string, content: string): Promise<readonly Frame[]> {
  const session = await startSession(url, "local-demo-key")
  const stream = await session.chat({ messages: [{ role: "user", content }] })
  const frames: Frame[] = []
  for (let frame = await stream.next(); frame !== null; frame = await stream.next()) {
    frames.push(frame)
    if (frame.event.type !== "tool_approval_request") continue
    const { tool_call_id, nonce } = frame.event
    await session.post("/chat/tool-approval", { tool_call_id, nonce, approved: true })
  }
  return frames
}

const resultsOf = (frames: readonly Frame[]) =>
  frames.flatMap(({ event }) =>
    event.type === "tool_call_complete" && event.sub_agent_id === undefined ? [event.result] : [],
  )

describe("the README of the Python package, with this package", () => {
  test("tier 1: a system prompt answers over SSE", async () => {
    const { model, url } = await serve("tier-1.ts", [says("- SSE lets ", "the server push.")])
    const frames = await chat(url, "Why is SSE useful?")
    expect(assemble(frames)).toMatchObject({
      text: "- SSE lets the server push.",
      terminal: { type: "stream_complete", usage: { input_tokens: 10 } },
    })
    const [request] = model.requests
    expect(request?.body).toMatchObject({
      system: [{ text: "You are a helpful assistant for spreadsheet users." }],
      messages: [{ role: "user" }],
    })
  })

  test("tier 2: a server of npx reads a file", async () => {
    const cwd = await temporaryFolder()
    const path = join(cwd, "notes.txt")
    await writeFile(path, "Buy milk.")
    const replies = [calls("read_text_file", { path }), says("You want to buy milk.")]
    const { url } = await serve("tier-2.ts", replies, cwd)
    const frames = await chat(url, "What is in my notes?")
    expect(JSON.stringify(resultsOf(frames))).toContain("Buy milk.")
    expect(assemble(frames).text).toBe("You want to buy milk.")
  })

  test("tier 3: a local tool is called", async () => {
    const replies = [calls("summarize_csv", { path: "sales.csv" }), says("Done.")]
    const { url } = await serve("tier-3.ts", replies)
    const frames = await chat(url, "Summarize sales.csv.")
    expect(resultsOf(frames)).toEqual([{ summary: "Would summarize sales.csv" }])
  })

  test("tier 4: code is executed, and a skill works as a sub-agent", async () => {
    const { model, url } = await serve("tier-4.ts", [
      calls("code_execute", { code: "print(6 * 7)" }),
      calls("run_agent", { agent: "summarizer", task: "Summarize: 6 times 7 is 42." }),
      says("The product is 42."),
      says("It is 42."),
    ])
    const frames = await chat(url, "What is 6 times 7?")
    expect(resultsOf(frames)).toMatchObject([
      { stdout: "42\n", return_code: 0 },
      { agent: "summarizer", response: "The product is 42." },
    ])
    expect(model.requests[2]?.body).toMatchObject({
      system: expect.arrayContaining([
        expect.objectContaining({ text: "You summarize a text in one sentence." }),
      ]),
    })
  })

  test("tier 5: a run without a server keeps its state and sends its text to Telegram", async () => {
    const sent: unknown[] = []
    const telegram = createServer(async (request, response) => {
      sent.push({ path: request.url, ...((await json(request)) as object) })
      response.setHeader("content-type", "application/json").end('{"ok":true,"result":{}}')
    }).listen(0, "127.0.0.1")
    await once(telegram, "listening")
    onTestFinished(() => void telegram.close())
    const { port } = telegram.address() as AddressInfo
    const cwd = await temporaryFolder()
    const model = await startModel([calls("check_status"), says("The service is degraded.")])
    const env = { ...environmentOf(model), TELEGRAM_API: `http://127.0.0.1:${port}` }
    expect(await runProgram(fileOf("tier-5.ts"), { cwd, env })).toMatchObject({ code: 0 })
    expect(sent).toEqual([
      expect.objectContaining({
        path: "/bot123:token/sendMessage",
        chat_id: "42",
        text: expect.stringContaining("The service is degraded."),
      }),
    ])
    const state = JSON.parse(await readFile(join(cwd, "state/state.json"), "utf8"))
    expect(state).toMatchObject({ outcome: "success", tools_used: ["check_status"], timed_out: false })
  })

  test.each([
    ["HEARTBEAT_OK", ""],
    ["The service is degraded.", "The service is degraded.\n"],
  ])("tier 5: the heartbeat that responds with “%s” prints “%s”", async (response, printed) => {
    const cwd = await temporaryFolder()
    const model = await startModel([answers([{ type: "text", text: response }])])
    const env = { ...environmentOf(model), AS_HEARTBEAT: "1" }
    const { code, stdout } = await runProgram(fileOf("tier-5.ts"), { cwd, env })
    expect({ code, stdout }).toEqual({ code: 0, stdout: printed })
  })
})
