import { execFile } from "node:child_process"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { describe, expect, it } from "vitest"
import type { ChatEvent } from "../../src/wires/native/schemas/events.ts"
import { startCli } from "../cli-process.ts"
import type { EventStream } from "../end-to-end/support/event-stream.ts"
import { kill } from "../end-to-end/support/gateway-process.ts"
import { type SessionClient, startSession } from "../end-to-end/support/session-client.ts"
import { temporaryFolder } from "../end-to-end/support/temporary-folder.ts"
import { startAskingServer } from "./fixtures/asking-server.ts"
import { testAgent, textOfResult } from "./support/agent.ts"
import { everythingOverHttp } from "./support/http-server.ts"
import { installedServer } from "./support/servers.ts"

const run = promisify(execFile)
const program = fileURLToPath(new URL("../../bin/agent-gateway.js", import.meta.url))

type Asked = Extract<ChatEvent, { type: "elicitation_request" }>

/** Starts a gateway like a user, with the server at `url`. After a restart, it continues the same sessions. */
async function gatewayWith(url: string) {
  const folder = await temporaryFolder()
  const agent = fileURLToPath(new URL("fixtures/asking-agent.ts", import.meta.url))
  const keys = { ANTHROPIC_API_KEY: "", ANTHROPIC_AUTH_TOKEN: "" }
  return async () => {
    const process = startCli(["start", agent, "--port", "0"], { cwd: folder, env: { ...keys, MCP_URL: url } })
    const [, address = ""] = await process.printed(/^Listening on (http:\S+)\n/m)
    return { process, url: address }
  }
}

/** Resolves to the next question that is not `before`. A reconnected stream shows that one again. */
async function question(stream: EventStream, before?: Asked): Promise<Asked> {
  for (let frame = await stream.next(); frame !== null; frame = await stream.next()) {
    const { event } = frame
    if (event.type === "elicitation_request" && event.nonce !== before?.nonce) return event
  }
  throw new Error("There is no question.")
}

/** Sends an answer. Resolves to the status, and to the code of a refusal. */
async function respond(session: SessionClient, { tool_call_id, nonce }: Asked, answer: object) {
  const response = await session.post("/chat/elicitation", { tool_call_id, nonce, ...answer })
  const { code } = (await response.json()) as { code?: string }
  return code ?? response.status
}

/** Resolves to the result of the call, as the user sees it. */
async function result(stream: EventStream): Promise<string> {
  return JSON.stringify((await stream.rest()).map(({ event }) => event))
}

describe("a server of 2026-07-28", () => {
  it("receives the call again with the answer, even if the gateway was killed in between", async () => {
    const server = await startAskingServer()
    const start = await gatewayWith(server.url)
    const first = await start()
    const session = await startSession(first.url)
    const before = await session.chat("/tool book {}")
    const form = await question(before)
    expect(form).toMatchObject({ server: "asking", mode: "form", message: "Who travels?" })
    await kill(first.process)
    await before.restOrBreak()

    const second = await start()
    const after = session.at(second.url)
    const { pending_elicitations, last_seq } = await after.history()
    expect(pending_elicitations).toMatchObject([{ nonce: form.nonce, message: "Who travels?" }])
    const stream = await after.subscribe({ afterSeq: last_seq })
    expect(await respond(after, form, { action: "accept", content: {} })).toBe("invalid_answer")
    expect(server.calls).toHaveLength(1)
    expect(await respond(after, form, { action: "accept", content: { name: "Ada" } })).toBe(200)
    const page = await question(stream, form)
    expect(page).toMatchObject({ mode: "url", url: "https://pay.example/1" })
    await kill(second.process)
    await stream.restOrBreak()

    const third = await start()
    const end = session.at(third.url)
    const last = await end.subscribe({ afterSeq: (await end.history()).last_seq })
    expect(await respond(end, page, { action: "accept" })).toBe(200)
    expect(await result(last)).toContain("aisle")
    const [asking, retried, ...more] = server.calls
    expect(more).toEqual([])
    expect(asking).not.toHaveProperty("requestState")
    expect(retried?.inputResponses).toEqual({
      who: { action: "accept", content: { name: "Ada", seat: "aisle" } },
      paid: { action: "accept" },
    })
  })

  it("learns that the question was declined if no one can be asked", async () => {
    const server = await startAskingServer()
    const agent = testAgent({ mcpServers: { asking: { url: server.url } } })
    const event = await agent.call("book")
    expect(event).toMatchObject({ type: "toolCallCompleted", server: "asking" })
    expect(server.calls.at(-1)?.inputResponses).toEqual({
      who: { action: "decline" },
      paid: { action: "decline" },
    })
  })

  it("receives no further call after ten questions", async () => {
    const server = await startAskingServer()
    const agent = testAgent({ mcpServers: { asking: { url: server.url } } })
    expect(textOfResult(await agent.call("pester"))).toMatch(/^\[input_rounds_exceeded\]/)
    expect(server.calls).toHaveLength(11)
  })

  it("cannot require a call endlessly", async () => {
    const server = await startAskingServer()
    const agent = testAgent({ mcpServers: { asking: { url: server.url } } })
    expect(textOfResult(await agent.call("stall"))).toMatch(/^\[input_rounds_exceeded\]/)
    expect(server.calls).toHaveLength(10)
  })

  it.each([
    ["cannot show a page that is not reached by https", "phish", /\{"bait":\{"action":"decline"\}\}/],
    ["cannot ask for a model", "sample", /^\[mcp_tool_error\] .*sampling/],
    ["cannot ask with more than is stored", "flood", /^\[invalid_question\] .*larger/],
  ])("%s", async (_name, tool, expected) => {
    const server = await startAskingServer()
    const agent = testAgent({ mcpServers: { asking: { url: server.url } } })
    expect(textOfResult(await agent.call(tool))).toMatch(expected)
    expect(agent.events.map(({ type }) => type)).not.toContain("waitOpened")
  })

  it("is declined on the command line, which asks no one", async () => {
    const server = await startAskingServer()
    const folder = await temporaryFolder()
    await writeFile(join(folder, "mcp.json"), JSON.stringify({ mcpServers: { asking: { url: server.url } } }))
    const call = (tool: string) =>
      run(process.execPath, [program, "mcp", "call", "asking", tool, "--config", "mcp.json"], { cwd: folder })
    expect((await call("book")).stdout).toContain("decline")
    await expect(call("pester")).rejects.toThrow("input_rounds_exceeded")
  })
})

describe("a server of 2025-11-25, over HTTP", () => {
  it("is answered during its call, in the right session for each of two concurrent calls", async () => {
    const { origin } = await everythingOverHttp("streamableHttp")
    const { url } = await (await gatewayWith(`${origin}/mcp`))()
    const sessions = [await startSession(url), await startSession(url)] as const
    const asked = []
    for (const session of sessions) {
      const stream = await session.chat("/tool trigger-elicitation-request {}")
      asked.push({ session, stream, form: await question(stream) })
    }
    expect(asked.map(({ form }) => form.server)).toEqual(["asking", "asking"])
    for (const [index, { session, stream, form }] of asked.entries()) {
      expect(await respond(session, form, { action: "accept", content: { name: 1 } })).toBe("invalid_answer")
      const content = { name: `Traveller ${index}` }
      expect(await respond(session, form, { action: "accept", content })).toBe(200)
      expect(await result(stream)).toContain(`Name: Traveller ${index}`)
    }
  })

  it("loses its call with the gateway", async () => {
    const { origin } = await everythingOverHttp("streamableHttp")
    const start = await gatewayWith(`${origin}/mcp`)
    const first = await start()
    const session = await startSession(first.url)
    const stream = await session.chat("/tool trigger-elicitation-request {}")
    const form = await question(stream)
    await kill(first.process)
    await stream.restOrBreak()
    const after = session.at((await start()).url)
    const rest = await after.subscribe({ afterSeq: 0 })
    expect(await result(rest)).toContain("tool_call_interrupted")
    expect(await respond(after, form, { action: "decline" })).toBe("wait_expired")
  })

  it("may refuse a call until a page was visited, and then receives it again", async () => {
    const { origin } = await everythingOverHttp("streamableHttp")
    const { url } = await (await gatewayWith(`${origin}/mcp`))()
    const session = await startSession(url)
    const input = JSON.stringify({ url: "https://pay.example/2", errorPath: true })
    const stream = await session.chat(`/tool trigger-url-elicitation ${input}`)
    const refused = await question(stream)
    expect(refused).toMatchObject({ mode: "url", server: "asking" })
    expect(await respond(session, refused, { action: "accept" })).toBe(200)
    const asked = await question(stream)
    expect(asked).toMatchObject({ mode: "url", url: "https://pay.example/2" })
    expect(await respond(session, asked, { action: "accept" })).toBe(200)
    expect(await result(stream)).toContain("User completed the URL elicitation flow")
  })
})

it("a server over stdio is answered during its call, whose time limit is paused meanwhile", async () => {
  const timeoutMs = 5_000
  const everything = { ...installedServer("mcp-server-everything", ["stdio"]), timeoutMs }
  const agent = testAgent({ mcpServers: { everything } })
  const asked: string[] = []
  const event = await agent.call(
    "trigger-elicitation-request",
    {},
    {
      async onElicitation({ toolName }) {
        asked.push(toolName)
        await delay(timeoutMs + 500)
        return { action: "accept", content: { name: "Ada" } }
      },
    },
  )
  expect(textOfResult(event)).toContain("Name: Ada")
  expect(asked).toEqual(["trigger-elicitation-request"])
})
