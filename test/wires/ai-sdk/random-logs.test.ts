import type { ChatTransport, UIMessage, UIMessageChunk } from "ai"
import { uiMessageChunkSchema } from "ai"
import { expect, it } from "vitest"
import type { Entry } from "../../../src/core/log/entries.ts"
import { aiSdkWire } from "../../../src/wires/ai-sdk/fold/ai-sdk-wire.ts"
import { type ShownPart, startChat } from "../../../src/wires/ai-sdk/fold/chat-state.ts"
import { longOrShort } from "../../long-tests.ts"
import {
  clientOutput,
  createRandomLog,
  dropDeltas,
  type Parked,
  type RandomLog,
} from "../fixtures/random-log.ts"
import { renderLog } from "../fixtures/render-log.ts"
import { HeadlessChat, parseChunk } from "./support/headless-chat.ts"

/** The responses of a gateway, in place of a connection to it. */
class RecordedTransport implements ChatTransport<UIMessage> {
  readonly #responses: (readonly UIMessageChunk[])[]
  /** Clients rebuild the message when they read it again. */
  readonly resumeStreamIsReplay = true

  constructor(responses: readonly string[]) {
    this.#responses = responses.map(parseResponse)
  }

  sendMessages = async () => this.#next()
  reconnectToStream = async () => this.#next()

  #next(): ReadableStream<UIMessageChunk> {
    const response = this.#responses.shift()
    if (response === undefined) throw new Error("The log has no further response.")
    return ReadableStream.from(response)
  }
}

function parseResponse(text: string): readonly UIMessageChunk[] {
  const chunks = text.split("\n\n").slice(0, -1).map(parseChunk)
  return chunks.filter((chunk) => chunk !== null && chunk.type !== "[DONE]") as unknown as UIMessageChunk[]
}

function show(
  entries: readonly Entry[],
  shows: ShownPart,
  rest: Partial<Parameters<typeof renderLog>[1]> = {},
) {
  const { afterSeq = 0 } = rest
  const state = startChat(afterSeq, shows)
  return renderLog(aiSdkWire, { entries, afterSeq, state, end: { type: "complete" }, ...rest } as never)
}

const question: UIMessage = { id: "question", role: "user", parts: [{ type: "text", text: "Go" }] }

/** Returns the messages of the assistant, without what their client says about the connection. */
function messagesOf(chat: HeadlessChat): unknown {
  return JSON.parse(JSON.stringify(chat.messages.filter(({ role }) => role === "assistant")))
}

/** Returns what a client has that reads the whole run again after it lost everything. */
async function readAgain(entries: readonly Entry[], messages: readonly UIMessage[] = [question]) {
  const transport = new RecordedTransport([show(entries, "resumed")])
  const chat = new HeadlessChat({ transport, messages: structuredClone([...messages]) })
  await chat.resumeStream()
  return chat
}

/** Answers everything that the message asks, as the log has it. */
async function answer(chat: HeadlessChat, { waits }: Parked, log: RandomLog): Promise<void> {
  for (const { waitId, toolCallId, kind } of waits) {
    if (kind === "clientTool") await chat.addToolOutput({ tool: "any", toolCallId, output: clientOutput })
    if (kind === "approval") {
      const given = log.entries.find(
        (entry) =>
          entry.kind === "event" && entry.event.type === "waitResolved" && entry.event.waitId === waitId,
      )
      const approved = JSON.stringify(given).includes('"approved":true')
      await chat.addToolApprovalResponse({ id: waitId, approved })
    }
  }
}

/** Returns what a client has that sends the message and every answer, up to the end of its message. */
async function live(log: RandomLog): Promise<HeadlessChat> {
  const { entries, parked } = log
  const end = entries.findIndex(({ kind }, index) => kind === "event" && isSecondMessage(entries, index))
  const last = end === -1 ? Number.POSITIVE_INFINITY : (entries[end]?.seq ?? 0)
  const rounds = parked.filter(({ seq }) => seq < last)
  const responses = [0, ...rounds.map(({ seq }) => seq)].map((afterSeq, index) => {
    const round = rounds[index]
    const shows = index === 0 ? "new" : "continued"
    if (round === undefined) return show(entries, shows, { afterSeq })
    return show(entries, shows, { afterSeq, until: round.seq, end: { type: "parked", waits: round.waits } })
  })
  const chat = new HeadlessChat({ transport: new RecordedTransport(responses), generateId: () => "question" })
  await chat.sendMessage({ text: "Go" })
  for (const round of rounds) {
    await answer(chat, round, log)
    await chat.sendMessage()
  }
  return chat
}

/** Returns true for a message of the user that joins the run after one of its turns. */
function isSecondMessage(entries: readonly Entry[], index: number): boolean {
  const entry = entries[index]
  if (entry?.kind !== "event" || entry.event.type !== "userMessageAdded") return false
  return entries.slice(0, index).some((each) => each.kind === "event" && each.event.type === "stepStarted")
}

const seeds = Array.from({ length: longOrShort(500, 50) }, (_, index) => index + 1)

it("is the same message, however a client reads the log of a run", async () => {
  for (const seed of seeds) {
    const log = createRandomLog(seed)
    const whole = await readAgain(log.entries)
    const expected = messagesOf(whole)
    expect([seed, messagesOf(await readAgain(dropDeltas(log)))]).toEqual([seed, expected])
    // A client that is cut off at any place, and reads the run again.
    for (const { seq } of pickCuts(log.entries, seed)) {
      const cut = new HeadlessChat({
        transport: new RecordedTransport([
          renderLog(aiSdkWire, { entries: log.entries, state: startChat(0, "new"), until: seq }),
          show(log.entries, "resumed"),
        ]),
        generateId: () => "question",
      })
      await cut.sendMessage({ text: "Go" })
      await cut.resumeStream()
      expect([seed, seq, messagesOf(cut)]).toEqual([seed, seq, expected])
    }
  }
})

/** A sixth of the entries, another sixth for each seed. */
function pickCuts(entries: readonly Entry[], seed: number): readonly Entry[] {
  return entries.filter((_, index) => index % 6 === seed % 6)
}

it("is the same message for a client that gives the answers", async () => {
  for (const seed of seeds) {
    const log = createRandomLog(seed)
    const chat = await live(log)
    const [first, ...more] = messagesOf(await readAgain(log.entries)) as { metadata: object }[]
    expect([seed, withoutMetadata(messagesOf(chat))]).toEqual([seed, withoutMetadata([first])])
    const joined = log.entries.filter((_, index) => isSecondMessage(log.entries, index))
    for (const [index, { seq }] of joined.entries()) {
      const transport = new RecordedTransport([show(log.entries, "steered", { afterSeq: seq - 1 })])
      const steered = new HeadlessChat({ transport, generateId: () => "question" })
      await steered.sendMessage({ text: "And this" })
      expect([seed, withoutMetadata(messagesOf(steered))]).toEqual([seed, withoutMetadata([more[index]])])
    }
  }
})

/** The message that was asked in between has a cursor, and one that was left has no usage. */
function withoutMetadata(messages: unknown): unknown {
  return (messages as object[]).map((message) => ({ ...message, metadata: null }))
}

it("has only chunks that the client knows", async () => {
  const kinds = new Set<string>()
  for (const seed of seeds) {
    const { entries } = createRandomLog(seed)
    for (const chunk of parseResponse(show(entries, "resumed"))) {
      const checked = await uiMessageChunkSchema().validate?.(chunk)
      expect([seed, chunk, checked?.success]).toEqual([seed, chunk, true])
      kinds.add(chunk.type)
    }
  }
  expect([...kinds].sort()).toEqual([
    ...["data-gateway-question", "data-gateway-tool-output", "data-weather", "error", "finish"],
    ...[
      "finish-step",
      "message-metadata",
      "reasoning-delta",
      "reasoning-end",
      "reasoning-start",
      "reset-step",
    ],
    ...["source-url", "start", "start-step", "text-delta", "text-end", "text-start", "tool-approval-request"],
    ...["tool-approval-response", "tool-input-available", "tool-input-delta", "tool-input-start"],
    ...["tool-output-available", "tool-output-denied", "tool-output-error"],
  ])
})
