import { existsSync } from "node:fs"
import { join } from "node:path"
import { expect, onTestFinished, test } from "vitest"
import { anthropicErrorReply, anthropicEvents } from "../../src/testing/provider/anthropic-wire.ts"
import { startScriptedUpstream, type UpstreamReply } from "../../src/testing/provider/scripted-upstream.ts"
import { bundleProgram } from "../bundle-program.ts"
import type { Frame } from "../end-to-end/support/event-stream.ts"
import { eventually } from "../end-to-end/support/eventually.ts"
import { gate, startModel } from "../end-to-end/support/model.ts"
import { startSession } from "../end-to-end/support/session-client.ts"
import { temporaryFolder } from "../end-to-end/support/temporary-folder.ts"
import { startListening } from "../listening-process.ts"
import { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver } from "./otlp-receiver.ts"

const program = await bundleProgram(new URL("fixtures/traced-gateway.ts", import.meta.url))
const outsideTrace = "4bf92f3577b34da6a3ce929d0e0e4736"
const outsideSpan = "00f067aa0ba902b7"

type Part = Parameters<typeof anthropicEvents>[0][number]

const tokens = { inputTokens: 10, outputTokens: 5 }
const reply = (part: Part): UpstreamReply => ({ steps: anthropicEvents([part], tokens) })
const say = (text: string) => reply({ type: "text", text: [text] })

interface AskedModel {
  readonly model: string
  readonly messages: readonly { readonly content: unknown }[]
}

/** The lead looks, pays and delegates. The first model of the worker is overloaded, its second waits. */
const script =
  (until: PromiseLike<void>) =>
  (request: { readonly body: unknown }): UpstreamReply => {
    const { model, messages } = request.body as AskedModel
    if (model === "busy") return anthropicErrorReply(529, "overloaded_error", "Overloaded")
    if (model === "small") return { steps: [{ type: "wait", until }, ...say("Worked.").steps] }
    const results = JSON.stringify(messages).split('"tool_result"').length - 1
    const name = ["look", "pay", "delegate"][results]
    return name === undefined ? say("Done.") : reply({ type: "toolCall", name, input: {} })
  }

async function setUp(play: Parameters<typeof startModel>[0]) {
  const folder = await temporaryFolder()
  const receiver = await startOtlpReceiver()
  const model = await startModel(play)
  const webhook = await startScriptedUpstream(() => ({ steps: ["ok"] }))
  onTestFinished(() => webhook.close())
  const env = { STORE: folder, MODEL_URL: model.url, OTLP_URL: receiver.url, WEBHOOK_URL: webhook.url }
  const start = async () => {
    const node = await startListening({ name: "traced", args: [program], cwd: folder, env })
    onTestFinished(async () => void (await node.end("SIGKILL")))
    return node
  }
  return { folder, receiver, model, webhook, start }
}

/** Returns the spans with this name in the order of their starts. They arrive in any order. */
function find({ spans }: OtlpReceiver, name: string): readonly ReceivedSpan[] {
  return spans
    .filter((span) => span.name === name)
    .toSorted((a, b) => Number(a.startTimeUnixNano - b.startTimeUnixNano))
}

async function arrived(
  receiver: OtlpReceiver,
  name: string,
  count: number,
): Promise<readonly ReceivedSpan[]> {
  return eventually(`${count} spans ${name}`, () => {
    const found = find(receiver, name)
    return found.length >= count ? found : null
  })
}

/** The spans of the whole run, by name, beside its executions and its delivery. */
const expected = {
  "invoke_agent worker": 1,
  "chat big": 4,
  "chat busy": 1,
  "chat small": 1,
  "execute_tool look": 1,
  "execute_tool pay": 1,
  "execute_tool delegate": 2,
  "wait approval": 1,
  "wait child": 1,
}

const sum = (spans: readonly ReceivedSpan[], name: string) =>
  spans.reduce((total, { attributes }) => total + Number(attributes[name] ?? 0), 0)

/** Plays the run: its process is killed while the approval is open, and another one finishes it. */
async function playRun(headers: Readonly<Record<string, string>>) {
  const lead = gate()
  const { folder, receiver, model, webhook, start } = await setUp(script(lead.opened))
  const first = await start()
  const session = await startSession(first.url)
  const stream = await session.chat("Go.", headers)
  const frames = await stream.until(({ event }) => event.type === "tool_approval_request")
  const asked = frames.at(-1)?.event as Extract<Frame["event"], { type: "tool_approval_request" }>
  // A process that dies before its spans have arrived loses them.
  const ended = { "invoke_agent lead": 1, "chat big": 2, "execute_tool look": 1 }
  for (const [name, count] of Object.entries(ended)) await arrived(receiver, name, count)
  // If it died before the end of its lease, another process would take over an execution with a span of its own.
  await eventually("the end of the lease", () => existsSync(join(folder, "released.txt")) || null)
  await first.end("SIGKILL")
  const again = session.at((await start()).url)
  const { tool_call_id, nonce } = asked
  const answered = await again.post("/chat/tool-approval", { tool_call_id, nonce, approved: true })
  expect(answered.status).toBe(200)
  // The worker ends after the lead has begun to wait for it.
  await arrived(receiver, "invoke_agent lead", 2)
  lead.open()
  const deliveries = await arrived(receiver, "deliver lead/delivery/webhook", 1)
  const executions = await arrived(receiver, "invoke_agent lead", 3)
  for (const [name, count] of Object.entries(expected)) await arrived(receiver, name, count)
  return { receiver, model, webhook, deliveries, executions, sessionId: session.id }
}

test("a run with a tool, an approval over kill -9, a sub-agent and a fallback is linked traces", async () => {
  const { receiver, model, webhook, deliveries, executions, sessionId } = await playRun({})
  const [first, ...further] = executions
  expect(executions.map(({ parentSpanId }) => parentSpanId ?? "")).toEqual(["", "", ""])
  expect(new Set(executions.map(({ traceId }) => traceId)).size).toBe(3)
  expect(further.map(({ links }) => links.map(({ spanId }) => spanId))).toEqual([
    [first?.spanId],
    [first?.spanId],
  ])
  expect(new Set(executions.map(({ attributes }) => attributes["gen_ai.conversation.id"]))).toEqual(
    new Set([sessionId]),
  )

  const ids = executions.map(({ spanId }) => spanId)
  const parents = (name: string) => find(receiver, name).map(({ parentSpanId }) => parentSpanId)
  expect(parents("execute_tool look")).toEqual([ids[0]])
  expect(parents("execute_tool pay")).toEqual([ids[1]])
  expect(parents("execute_tool delegate")).toEqual([ids[1], ids[2]])
  expect(parents("wait approval")).toEqual([ids[0]])
  expect(parents("wait child")).toEqual([ids[0]])
  const [delegate] = find(receiver, "execute_tool delegate")
  const [child] = find(receiver, "invoke_agent worker")
  expect(child?.parentSpanId).toBe(delegate?.spanId)
  expect(parents("chat busy")).toEqual([child?.spanId])
  expect(parents("chat small")).toEqual([child?.spanId])
  expect(parents("chat big")).toEqual([ids[0], ids[0], ids[1], ids[2]])
  expect(deliveries.map(({ parentSpanId }) => parentSpanId)).toEqual([ids[2]])

  // All spans have arrived, so each had an end. What left the process names one of them.
  const known = new Set(receiver.spans.map(({ spanId }) => spanId))
  expect(known.size).toBe(receiver.spans.length)
  for (const { parentSpanId, startTimeUnixNano, endTimeUnixNano } of receiver.spans) {
    expect(parentSpanId === undefined || known.has(parentSpanId)).toBe(true)
    expect(endTimeUnixNano >= startTimeUnixNano).toBe(true)
  }
  const chats = receiver.spans.filter(({ name }) => name.startsWith("chat "))
  const sent = [...model.requests, ...webhook.requests].map(({ headers }) => headers.traceparent)
  expect(sent.toSorted()).toEqual(
    [...chats, ...deliveries].map(({ traceId, spanId }) => `00-${traceId}-${spanId}-01`).toSorted(),
  )
  expect(sum(receiver.spans, "gen_ai.usage.input_tokens")).toBe(50)
  expect(sum(chats, "gen_ai.usage.input_tokens")).toBe(50)
  expect(sum(chats, "gen_ai.usage.output_tokens")).toBe(25)
  expect(JSON.stringify(receiver.spans.map(({ attributes }) => attributes))).not.toMatch(
    /Go\.|Done|Worked|paid/,
  )
})

test("the same run with a trace from outside is one trace", async () => {
  const { receiver, executions } = await playRun({ traceparent: `00-${outsideTrace}-${outsideSpan}-01` })
  expect(new Set(receiver.spans.map(({ traceId }) => traceId))).toEqual(new Set([outsideTrace]))
  expect(executions.map(({ parentSpanId }) => parentSpanId)).toEqual([outsideSpan, outsideSpan, outsideSpan])
  const [first, ...further] = executions
  expect(further.map(({ links }) => links.map(({ spanId }) => spanId))).toEqual([
    [first?.spanId],
    [first?.spanId],
  ])
})

test("a model attempt whose process is killed has one span, with its tokens", async () => {
  let calls = 0
  const { receiver, model, start } = await setUp(() => {
    const [begin = "", ...rest] = say("Done.").steps
    return calls++ === 0 ? { steps: [begin, { type: "wait", until: gate().opened }, ...rest] } : say("Done.")
  })
  const first = await start()
  const session = await startSession(first.url)
  await session.chat("Go.")
  await eventually("the model's request", () => (model.requests.length > 0 ? true : null))
  await first.end("SIGKILL")
  await start()
  const [execution] = await arrived(receiver, "invoke_agent lead", 1)
  const chats = await arrived(receiver, "chat big", 2)
  expect(chats).toHaveLength(2)
  const interrupted = chats.find(({ attributes }) => attributes["error.type"] === "interrupted")
  const repeated = chats.find((chat) => chat !== interrupted)
  expect(interrupted?.attributes["gen_ai.usage.input_tokens"]).toBeGreaterThan(0)
  expect(repeated?.attributes).toMatchObject({
    "gen_ai.usage.input_tokens": 10,
    "gen_ai.usage.output_tokens": 5,
  })
  expect([interrupted?.parentSpanId, repeated?.parentSpanId]).toEqual([execution?.spanId, execution?.spanId])
  expect(execution?.links).toHaveLength(1)
  expect(find(receiver, "invoke_agent lead")).toHaveLength(1)
})
