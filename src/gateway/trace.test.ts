import { expect, it, onTestFinished } from "vitest"
import type { JsonObject } from "../core/json/json.ts"
import { tool } from "../kernel/tools/local-tool.ts"
import { wait } from "../kernel/tools/wait.ts"
import { scriptedProvider } from "../testing/provider/scripted-provider.ts"
import { createGateway } from "./create-gateway.ts"

const traceId = "4bf92f3577b34da6a3ce929d0e0e4736"
const traceparent = `00-${traceId}-00f067aa0ba902b7-01`

/** Creates an agent whose tool hands its task to another agent. Records the traces of both. */
function setUp() {
  const traces: (string | null)[] = []
  const lines: JsonObject[] = []
  const log = (fields: object) => void lines.push(fields as JsonObject)
  const logger = { debug: log, info: log, warn: log, error: log }
  const lead = scriptedProvider((request) =>
    request.messages.at(-1)?.role === "tool"
      ? [{ type: "text", text: "Done" }]
      : [{ type: "toolCall", name: "delegate" }],
  )
  const worker = scriptedProvider(() => [{ type: "text", text: "Worked" }])
  const delegate = tool({
    name: "delegate",
    description: "Delegates.",
    inputSchema: { type: "object" },
    execute: (_, { answered, traceparent }) => {
      traces.push(traceparent)
      return answered === null ? wait.child({ agent: "worker", message: "Work." }) : "delegated"
    },
  })
  const gateway = createGateway({
    store: "memory",
    logger,
    agents: {
      lead: { systemPrompt: "Lead.", provider: lead, tools: [delegate] },
      worker: { systemPrompt: "Work.", provider: worker },
    },
  })
  onTestFinished(() => gateway.close({ graceMs: 0 }))
  const post = (path: string, body: object, headers: Record<string, string> = {}) =>
    gateway.fetch(
      new Request(`http://gateway/api${path}`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify(body),
      }),
    )
  const chat = async (headers: Record<string, string>) => {
    const init = (await (await post("/chat/init", { api_key: "k" })).json()) as { session_token: string }
    const authorization = `Bearer ${init.session_token}`
    return (await post("/chat", { message: "Go." }, { authorization, ...headers })).text()
  }
  return { gateway, chat, traces, lines, requests: [lead.requests, worker.requests] as const }
}

it("a trace is passed to tools, over their waits, to the model, to child sessions, and into the log", async () => {
  const { chat, traces, lines, requests } = setUp()
  expect(await chat({ traceparent })).toContain("stream_complete")
  expect(traces).toEqual([traceparent, traceparent])
  const [lead, worker] = requests
  expect([lead.length, worker.length]).toEqual([2, 1])
  expect([...lead, ...worker].every((request) => request.traceparent === traceparent)).toBe(true)
  const ofRuns = lines.filter((line) => "runId" in line && "outcome" in line)
  expect(ofRuns).toHaveLength(2)
  expect(ofRuns.every((line) => line.traceId === traceId)).toBe(true)
})

it.each<[string, Record<string, string>]>([
  ["none", {}],
  ["an invalid one", { traceparent: `00-${"0".repeat(32)}-00f067aa0ba902b7-01` }],
])("a request with %s has no trace, and is accepted", async (_, headers) => {
  const { chat, traces, lines, requests } = setUp()
  expect(await chat(headers)).toContain("stream_complete")
  expect(traces).toEqual([null, null])
  expect(requests.flat().some((request) => "traceparent" in request)).toBe(false)
  expect(lines.some((line) => "traceId" in line)).toBe(false)
})

it("gateway.run accepts a trace, even of a later version", async () => {
  const { gateway, traces } = setUp()
  await gateway.run("Go.", { traceparent: `cc-${traceId}-00f067aa0ba902b7-01-more` })
  expect(traces).toEqual([traceparent, traceparent])
})
