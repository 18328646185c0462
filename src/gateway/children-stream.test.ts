import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest"
import { startTestServer, type TestServer } from "../adapters/stores/postgres/fixtures/test-server.ts"
import type { ChatEvent } from "../core/wire/chat-event.ts"
import { parseFrames, type ReadFrame } from "../http/fixtures/frames.ts"
import { tool } from "../kernel/tools/local-tool.ts"
import { wait } from "../kernel/tools/wait.ts"
import { scriptedProvider } from "../testing/provider/scripted-provider.ts"
import { createGateway } from "./create-gateway.ts"
import type { Gateway } from "./gateway.ts"

const logger = { debug() {}, info() {}, warn() {}, error() {} }
let server: TestServer
let directory = ""
beforeAll(async () => {
  server = await startTestServer()
  directory = mkdtempSync(join(tmpdir(), "gateway-"))
})
afterAll(async () => {
  await server.stop()
  rmSync(directory, { recursive: true })
})

let databases = 0
async function newDatabase(): Promise<string> {
  const name = `children_${databases++}`
  await server.createDatabase(name)
  return server.urlOf(name)
}
const stores = [
  ["SQLite", async () => join(directory, String(databases++))],
  ["Postgres", newDatabase],
] as const

function delegate(agent: string, name = "delegate") {
  return tool({
    name,
    description: "Hands a task to another agent.",
    inputSchema: { type: "object", properties: {} },
    execute: (_input, { answered }) =>
      answered?.kind === "child" ? answered.response : wait.child({ agent, message: "Go on." }),
  })
}

const pay = tool({
  name: "pay",
  description: "Pays.",
  inputSchema: { type: "object", properties: {} },
  needsApproval: true,
  execute: () => "paid",
})

/**
 * Returns a model that responds with `before`, calls the tool once, and responds with `after` once it has the result.
 */
function calling(name: string, before: string, after: string) {
  return scriptedProvider(({ messages }) =>
    messages.at(-1)?.role === "tool"
      ? [{ type: "text", text: after }]
      : [
          { type: "text", text: before },
          { type: "toolCall", name, input: {} },
        ],
  )
}

/** Three agents, of which each starts the next one as a sub-agent. The tool of the last one needs an approval. */
function agents() {
  return {
    lead: {
      systemPrompt: "You lead.",
      provider: calling("delegate", "lead begins", "lead ends"),
      tools: [delegate("middle")],
    },
    middle: {
      systemPrompt: "You help.",
      provider: calling("delegate", "middle begins", "middle ends"),
      tools: [delegate("worker")],
    },
    worker: {
      systemPrompt: "You work.",
      provider: calling("pay", "worker begins", "worker ends"),
      tools: [pay],
    },
  }
}

function call(gateway: Gateway, path: string, token: string, body?: object): Promise<Response> {
  const headers = { "content-type": "application/json", authorization: `Bearer ${token}` }
  const init = body === undefined ? { headers } : { method: "POST", headers, body: JSON.stringify(body) }
  return gateway.fetch(new Request(`http://127.0.0.1/api${path}`, init))
}

/** Yields the frames of a stream. Leaving the loop cancels the stream. */
async function* frames(response: Response): AsyncGenerator<ReadFrame> {
  if (response.body === null) return
  for await (const text of response.body.pipeThrough(new TextDecoderStream())) yield* parseFrames(text)
}

/** Reads until each of the frames was seen. Frames of different sessions may come in any order. */
async function readUntil(
  response: Response,
  ...awaited: readonly ((frame: ReadFrame) => boolean)[]
): Promise<readonly ReadFrame[]> {
  const seen: ReadFrame[] = []
  let missing = awaited
  for await (const frame of frames(response)) {
    if (frame.data.type !== "heartbeat") seen.push(frame)
    missing = missing.filter((isAwaited) => !isAwaited(frame))
    if (missing.length === 0) break
  }
  return seen
}

const isApproval = ({ data }: ReadFrame) => data.type === "tool_approval_request"
const ofRoot = ({ data }: ReadFrame) => data.sub_agent_id === undefined
const isText =
  (text: string) =>
  ({ data }: ReadFrame) =>
    data.text === text
const isOver = (frame: ReadFrame) => ofRoot(frame) && frame.data.type === "stream_complete"

/** Returns the text of each session by the name of its agent. */
function texts(all: readonly ReadFrame[]): Record<string, string> {
  const names: Record<string, string> = {}
  const said: Record<string, string> = {}
  for (const { data } of all) {
    const id = typeof data.sub_agent_id === "string" ? data.sub_agent_id : ""
    if (data.type === "sub_agent_start") names[id] = String(data.agent_name)
    const name = id === "" ? "lead" : (names[id] ?? "nobody")
    if (data.type === "text_delta") said[name] = (said[name] ?? "") + data.text
  }
  return said
}

const ids = (all: readonly ReadFrame[]) => all.flatMap(({ id }) => (id === null ? [] : [Number(id)]))

describe.each(stores)("the stream of a root session on %s", (_, newStore) => {
  /** Starts two processes: one works on the runs, and the other only serves streams, from the store. */
  async function twoProcesses() {
    const store = await newStore()
    const open = () => createGateway({ store, logger, agents: agents() })
    const [working, showing] = [open(), open()]
    onTestFinished(
      async () => void (await Promise.all([working, showing].map((each) => each.close({ graceMs: 0 })))),
    )
    await working.prepare()
    await showing.prepare({ idle: true })
    const init = await call(working, "/chat/init", "", { api_key: "key", user_id: "ann" })
    const { session_token: token } = (await init.json()) as { session_token: string }
    return { working, showing, token }
  }

  it("shows sub-agents at every depth, from another process, and their open turns after a reconnect", async () => {
    const { working, showing, token } = await twoProcesses()
    const posted = await call(working, "/chat", token, { message: "Go." })
    const subscribe = (after: number) => call(showing, `/chat/subscribe?after_seq=${after}`, token)
    const begun = [isText("lead begins"), isText("middle begins"), isText("worker begins")]
    const before = await readUntil(await subscribe(0), isApproval, ...begun)
    const asked = before.find(isApproval)
    expect(texts(before)).toEqual({
      lead: "lead begins",
      middle: "middle begins",
      worker: "worker begins",
    })
    const starts = before.filter(({ data }) => data.type === "sub_agent_start").map(({ data }) => data)
    const [middle, worker] = starts
    expect(starts).toMatchObject([
      { agent_name: "middle", parent_sub_agent_id: null },
      { agent_name: "worker", parent_sub_agent_id: middle?.sub_agent_id },
    ])
    expect(asked?.data.sub_agent_id).toBe(worker?.sub_agent_id)
    expect(before.filter((frame) => !ofRoot(frame)).every(({ id }) => id === null)).toBe(true)

    // The cursor belongs to the root session. A client that reconnects with it sees the open turns of the sub-agents
    // again.
    const cursor = ids(before).at(-1) ?? 0
    const reopened = Promise.withResolvers<ReadFrame>()
    const after = readUntil(await subscribe(cursor), (frame) => {
      if (isApproval(frame)) reopened.resolve(frame)
      return isOver(frame)
    })
    const answer = { tool_call_id: asked?.data.tool_call_id, nonce: asked?.data.nonce, approved: true }
    expect((await reopened.promise).data).toEqual(asked?.data)
    expect((await call(showing, "/chat/tool-approval", token, answer)).status).toBe(200)
    const rest = await after
    expect(texts(rest)).toEqual({
      lead: "lead ends",
      middle: "middle beginsmiddle ends",
      worker: "worker beginsworker ends",
    })
    const ends = rest.filter(({ data }) => ["sub_agent_end", "stream_complete"].includes(String(data.type)))
    const below = { type: "sub_agent_end", outcome: "completed", usage: { input_tokens: expect.any(Number) } }
    expect(ends.map(({ data }) => data)).toMatchObject([
      { ...below, sub_agent_id: worker?.sub_agent_id },
      { ...below, sub_agent_id: middle?.sub_agent_id },
      { type: "stream_complete" },
    ])
    // Each sub-agent has waited for the approval, and started before the one below it.
    const [ofWorker = 0, ofMiddle = 0] = ends.map(({ data }) => Number(data.duration_ms))
    expect(ofWorker).toBeGreaterThan(0)
    expect(ofMiddle).toBeGreaterThanOrEqual(ofWorker)
    const calls = rest.filter(
      ({ data }) => data.tool_name === "delegate" && data.type === "tool_call_complete",
    )
    const durations = calls.map(({ data }) => Number(data.duration_ms))
    expect(durations).toHaveLength(2)
    expect(durations[0]).toBeGreaterThanOrEqual(ofWorker)
    expect(durations[1]).toBeGreaterThanOrEqual(ofMiddle)
    const rootIds = [...ids(before), ...ids(rest)]
    expect(rootIds).toEqual(rootIds.toSorted((left, right) => left - right))
    expect(texts(await readUntil(posted, isOver)).lead).toBe("lead beginslead ends")
    // Ended sub-agents are not shown any more.
    expect((await readUntil(await subscribe(0), isOver)).every(ofRoot)).toBe(true)
  })

  it("shows a sub-agent its own sub-agents, and shows other users nothing", async () => {
    const { working, showing, token } = await twoProcesses()
    const posted = await call(working, "/chat", token, { message: "Go." })
    const seen = await readUntil(posted, isApproval)
    const [middle, worker] = seen
      .filter(({ data }) => data.type === "sub_agent_start")
      .map(({ data }) => data)
    const sessionId = String(middle?.sub_agent_id)
    const init = (user_id: string) => {
      const body = { api_key: "key", user_id, session_id: sessionId }
      return call(showing, "/agents/middle/chat/init", "", body)
    }
    const own = (await (await init("ann")).json()) as { session_token: string }
    const subscribed = await call(showing, "/chat/subscribe", own.session_token)
    const below = await readUntil(subscribed, isApproval, ({ id }) => id !== null)
    expect(below.find(({ data }) => data.type === "sub_agent_start")?.data).toMatchObject({
      sub_agent_id: worker?.sub_agent_id,
      parent_sub_agent_id: null,
    })
    expect((await init("bob")).status).toBe(404)
    await call(working, "/chat/cancel", token, {})
  })
})

it("passes the events of sub-agents to gateway.stream with marks, and their approvals to run() at once", async () => {
  const gateway = createGateway({ store: "memory", logger, agents: agents() })
  onTestFinished(() => gateway.close({ graceMs: 0 }))
  const said: string[] = []
  const types = new Set<string>()
  const { response } = await gateway.run("Go.", {
    onApproval: () => ({ approved: true }),
    onText: (text) => said.push(text),
    onEvent: ({ type, sub_agent_id }) => types.add(sub_agent_id === undefined ? type : `below:${type}`),
  })
  expect(response).toBe("lead ends")
  expect(said.join("")).toBe("lead begins\n\nlead ends")
  for (const type of ["text_delta", "tool_approval_request", "turn_complete", "sub_agent_end"])
    expect(types).toContain(`below:${type}`)
  const events: string[] = []
  for await (const event of gateway.stream("Go.", { onApproval: () => ({ approved: true }) })) {
    events.push(event.type)
  }
  expect(events.filter((type) => type === "sub_agent_end")).toHaveLength(2)
  expect(events.at(-1)).toBe("stream_complete")
  expect(events.filter((type) => type === "stream_complete")).toHaveLength(1)
})

it("never shows the end of a sub-agent as the end of the run, however it ends", async () => {
  const lead = scriptedProvider(({ messages }) => {
    if (messages.at(-1)?.role === "tool") return [{ type: "text", text: "lead ends" }]
    const names = ["completing", "failing", "looping"]
    return names.map((name) => ({ type: "toolCall", name: `to_${name}`, input: {} }) as const)
  })
  const gateway = createGateway({
    store: "memory",
    logger,
    agents: {
      lead: {
        systemPrompt: "You lead.",
        provider: lead,
        tools: ["completing", "failing", "looping"].map((agent) => delegate(agent, `to_${agent}`)),
      },
      completing: { systemPrompt: "a", provider: scriptedProvider([[{ type: "text", text: "Done." }]]) },
      failing: {
        systemPrompt: "b",
        provider: scriptedProvider([[{ type: "failure", code: "model_refused" }]]),
      },
      looping: { systemPrompt: "c", provider: calling("pay", "", ""), maxTurns: 1 },
    },
  })
  onTestFinished(() => gateway.close({ graceMs: 0 }))
  const ends: ChatEvent[] = []
  const terminal: string[] = []
  for await (const event of gateway.stream("Go.", { onApproval: () => ({ approved: true }) })) {
    if (event.type === "sub_agent_end") ends.push(event)
    if (event.type === "stream_complete" || event.type === "error") terminal.push(event.type)
  }
  expect(terminal).toEqual(["stream_complete"])
  expect(ends).toHaveLength(3)
  const common = { type: "sub_agent_end", sub_agent_id: expect.any(String), usage: expect.any(Object) }
  const time = { duration_ms: expect.any(Number) }
  const failure = { code: "model_refused", message: expect.any(String) }
  expect(ends).toContainEqual({ ...common, ...time, outcome: "completed" })
  expect(ends).toContainEqual({ ...common, ...time, outcome: "failed", error: failure })
  expect(ends).toContainEqual({ ...common, ...time, outcome: "interrupted", reason: "max_turns" })
})
