import { describe, expect, it } from "vitest"
import { joinTexts, type Message } from "../../core/history/messages.ts"
import type { CompactableHistory, CompactionStep } from "../../core/ports/model/compaction.ts"
import { createForgeries, forged, readFrames } from "../../core/text/fixtures/forgeries.ts"
import { scriptedProvider } from "../../testing/provider/scripted-provider.ts"
import { chooseCut, choosePiece } from "./choose-cut.ts"
import { createCompaction } from "./create-compaction.ts"
import type { CompactionOptions } from "./options.ts"
import { shorten, writeTranscript } from "./transcript.ts"

const choice = { provider: scriptedProvider([]), model: "model" }
const { signal } = new AbortController()

const user = (text: string): Message => ({ role: "user", content: [{ type: "text", text }] })
const said = (text: string): Message => ({ role: "assistant", content: [{ type: "text", text }] })
const calls = (id: string): Message => ({
  role: "assistant",
  content: [{ type: "toolCall", toolCallId: id, name: "look", input: { at: id } }],
})
const result = (id: string, text: string): Message => ({
  role: "tool",
  results: [{ toolCallId: id, result: { type: "json", value: text } }],
})

/** In these tests, each character of a message's JSON is one token. */
const tokensOf = (message: Message) => JSON.stringify(message).length
const sum = (messages: readonly Message[]) =>
  messages.reduce((total, message) => total + tokensOf(message), 0)

function historyOf(
  messages: readonly Message[],
  changes: Partial<CompactableHistory> = {},
): CompactableHistory {
  return {
    choice,
    contextWindowOf: () => null,
    requestTokens: sum(messages),
    fixedTokens: 0,
    maxTokens: 100,
    isRefused: false,
    summary: null,
    messages,
    tokensOf,
    failures: 0,
    ...changes,
  }
}

function next(history: CompactableHistory, options: CompactionOptions = {}): Promise<CompactionStep | null> {
  return createCompaction(options).next(history, { signal })
}

const filler = "x".repeat(500)
const talk = Array.from({ length: 20 }, (_, turn) => [user(`${turn} ${filler}`), said(filler)]).flat()

describe("the limit", () => {
  const tokens = sum(talk)
  it.each<[string, CompactionOptions, Partial<CompactableHistory>, boolean]>([
    ["no known window", {}, {}, false],
    ["a window of the list", {}, { contextWindowOf: () => tokens }, true],
    ["a larger window", {}, { contextWindowOf: () => 2 * tokens }, false],
    [
      "an own window in place of the list's",
      { contextWindow: 2 * tokens },
      { contextWindowOf: () => tokens },
      false,
    ],
    ["an own share", { contextWindow: 2 * tokens, compaction: { share: 0.4 } }, {}, true],
    ["an own trigger", { compaction: { trigger: tokens - 1 } }, {}, true],
    ["a trigger that is not reached", { compaction: { trigger: tokens + 1 } }, {}, false],
    ["room for the response", { contextWindow: Math.ceil(1.8 * tokens) }, { maxTokens: 0.9 * tokens }, true],
    ["a refusal", {}, { isRefused: true }, true],
  ])("is kept with %s", async (_, options, changes, compacts) => {
    expect((await next(historyOf(talk, changes), options)) !== null).toBe(compacts)
  })
})

describe("the cut", () => {
  it("starts the kept messages with one of the user", () => {
    const cut = chooseCut({ messages: talk, tokensOf }, 2_500)
    expect(talk[cut]?.role).toBe("user")
    expect(sum(talk.slice(cut))).toBeLessThanOrEqual(2_500)
    expect(sum(talk.slice(cut - 2))).toBeGreaterThan(2_500)
  })

  it("never separates a call from its result", () => {
    const messages = [user("Go."), ...["a", "b", "c"].flatMap((id) => [calls(id), result(id, filler)])]
    for (let kept = 0; kept < sum(messages); kept += 50) {
      const cut = chooseCut({ messages, tokensOf }, kept)
      expect(messages[cut]?.role).not.toBe("tool")
      expect(cut).toBeLessThan(messages.length)
      for (let limit = 0; cut > 0 && limit < sum(messages); limit += 50) {
        const piece = choosePiece({ messages, tokensOf }, cut, limit)
        expect(piece).toBeGreaterThan(0)
        expect(piece).toBeLessThanOrEqual(cut)
        expect(messages[piece]?.role).not.toBe("tool")
      }
    }
  })
})

describe("the request for a summary", () => {
  async function summarize(
    history: CompactableHistory,
    options: CompactionOptions = { contextWindow: 8_000 },
  ) {
    const step = await next(history, options)
    if (step?.type !== "summarize") throw new Error(`The step is ${step?.type}.`)
    const [message] = step.request.messages
    return { step, text: message?.role === "user" ? joinTexts(message.content) : "" }
  }

  it("has the messages as a text, with the ids of calls and without images and thinking", async () => {
    const image = { type: "image", source: { type: "url", url: "https://example.com/secret.png" } } as const
    const thinking = {
      type: "thinking",
      text: "private",
      vendor: { provider: "p", data: { s: "sig" } },
    } as const
    const opaque = { type: "opaque", vendor: { provider: "p", data: { s: "sig" } } } as const
    const messages: Message[] = [
      { role: "user", content: [{ type: "text", text: "See this." }, image] },
      { role: "assistant", content: [thinking, opaque, { type: "text", text: "I see." }] },
      calls("call_7"),
      result("call_7", "seven"),
      ...talk,
    ]
    const { text } = await summarize(historyOf(messages))
    expect(text).toContain('{"from":"user","text":"See this.\\n[an image]"}')
    expect(text).toContain('{"from":"assistant","call":"call_7","tool":"look","input":{"at":"call_7"}}')
    expect(text).toContain("call_7")
    expect(text).toContain('"seven"')
    for (const hidden of ["secret.png", "private", "sig"]) expect(text).not.toContain(hidden)
  })

  it("has the former summary, and the application's instructions", async () => {
    const options = { contextWindow: 8_000, compaction: { instructions: "Keep order numbers." } }
    const { text } = await summarize(
      historyOf(talk, { summary: { text: "Long ago.", latestMessage: null } }),
      options,
    )
    expect(text).toContain('{"summary":"Long ago."}\n</former_summary>')
    expect(text).toContain("Keep order numbers.")
  })

  it("contains a part of a history that is far too long, and half as much after a failure", async () => {
    const long = Array.from({ length: 40 }, () => talk).flat()
    const window = { contextWindow: 8_000 }
    const first = await summarize(historyOf(long), window)
    const second = await summarize(historyOf(long, { failures: 1 }), window)
    expect(sum(long.slice(0, first.step.count))).toBeLessThan(8_000)
    expect(second.step.count).toBeLessThan(first.step.count)
  })

  it("is not repeated after three failures", async () => {
    expect(await next(historyOf(talk, { failures: 3 }), { contextWindow: 20_000 })).toBeNull()
  })

  it("bounds the summary, and refuses an empty one", async () => {
    const { step } = await summarize(historyOf(talk))
    expect(step.summaryOf([{ type: "text", text: "y".repeat(1_000_000) }])?.text.length).toBeLessThan(10_000)
    expect(step.summaryOf([{ type: "thinking", text: "Hm." }])).toBeNull()
    expect(step.summaryOf([{ type: "text", text: " \n" }])).toBeNull()
  })

  it("keeps the message that the run works on, word for word, over several summaries", async () => {
    const work = Array.from({ length: 30 }, (_, index) => [
      calls(`c${index}`),
      result(`c${index}`, filler),
    ]).flat()
    const first = await summarize(historyOf([user("Find the red door."), ...work]))
    const summary = first.step.summaryOf([{ type: "text", text: "Looking." }])
    expect(summary).toEqual({ text: "Looking.", latestMessage: "Find the red door." })
    const second = await summarize(historyOf(work, { summary }))
    expect(second.text).not.toContain("Find the red door.")
    expect(second.step.summaryOf([{ type: "text", text: "Still." }])).toEqual({
      ...{ text: "Still.", latestMessage: "Find the red door." },
    })
  })

  it.each(createForgeries("conversation"))(
    "frames the text of a tool like %j, so that no one takes it for the user's",
    async (text) => {
      const content = { type: "content", content: [{ type: "text", text }], warning: text } as const
      const failed = { type: "error", code: "failed", message: text } as const
      const messages: Message[] = [
        user("Find the red door."),
        calls("a"),
        result("a", text),
        {
          role: "tool",
          results: [
            { toolCallId: "b", result: content },
            { toolCallId: "c", result: failed },
          ],
        },
        { role: "assistant", content: [{ type: "text", text }] },
        ...talk,
      ]
      const former = { text, latestMessage: "Find the red door." }
      const request = await summarize(historyOf(messages, { summary: former }))
      const { outside, values } = readFrames(request.text, ["former_summary", "conversation"])
      expect(outside).not.toContain(forged)
      expect(values).toContainEqual({ from: "user", text: "Find the red door." })
      const ofUser = values.filter((value) => (value as { readonly from?: string }).from === "user")
      expect(JSON.stringify(ofUser)).not.toContain(forged)
      expect(values).toContainEqual({ summary: text })
      for (const shown of [{ result: text }, { result: text, warning: text }, { error: text }])
        expect(values).toContainEqual(expect.objectContaining({ from: "tool", ...shown }))
    },
  )

  it.each(createForgeries("conversation"))(
    "keeps the user's latest message, whatever a model repeats of %j",
    async (text) => {
      const work = Array.from({ length: 30 }, (_, index) => [
        calls(`c${index}`),
        result(`c${index}`, filler),
      ]).flat()
      const first = await summarize(historyOf([user("Find the red door."), ...work]))
      const summary = first.step.summaryOf([{ type: "text", text }])
      expect(summary?.latestMessage).toBe("Find the red door.")
      const second = await summarize(historyOf(work, { summary }))
      expect(second.step.summaryOf([{ type: "text", text }])?.latestMessage).toBe("Find the red door.")
    },
  )

  it("bounds each line and all of them, also for texts that are longer as JSON", async () => {
    const bounds = { maxLine: 2_000, maxCharacters: 9_000 }
    const hostile = "\u0000<".repeat(20_000)
    const warned = { type: "json", value: hostile, warning: hostile } as const
    const messages: Message[] = [
      ...talk,
      calls("a"),
      { role: "tool", results: [{ toolCallId: "a", result: warned }] },
      user(hostile),
      ...talk,
    ]
    const lines = await writeTranscript(messages, bounds)
    expect(lines.join("\n").length).toBeLessThanOrEqual(bounds.maxCharacters)
    for (const line of lines) expect(JSON.parse(line)).toBeTypeOf("object")
    for (const line of await writeTranscript(messages, { ...bounds, maxCharacters: 1_000_000 }))
      expect(line.length).toBeLessThanOrEqual(4_000)
    expect(lines.some((line) => "left_out" in JSON.parse(line))).toBe(true)
  })
})

describe("a last turn that is too long by itself", () => {
  it("has its results shortened step by step, and is refused in the end", async () => {
    const sizes: unknown[] = []
    let length = 100_000
    for (;;) {
      const messages = [user("Go."), calls("a"), result("a", "x".repeat(length))]
      const step = await next(historyOf(messages, { requestTokens: 1_000_000 }), { contextWindow: 1_000 })
      sizes.push(step?.type === "shorten" ? step.maxBytes : step?.type)
      if (step?.type !== "shorten") break
      length = step.maxBytes
    }
    expect(sizes).toEqual([20_000, 4_000, 1_000, 200, "refuse"])
  })
})

it("shortens a text in the middle, and keeps complete characters", () => {
  const text = shorten(`begin${"😀".repeat(1_000)}end`, 101)
  expect(text).toMatch(/^begin/)
  expect(text).toMatch(/end$/)
  expect(text.isWellFormed()).toBe(true)
})
