import {
  type AnthropicAnswerPart,
  anthropicErrorReply,
  anthropicEvents,
} from "../../../src/testing/provider/anthropic-wire.ts"
import type { UpstreamReply, UpstreamRequest } from "../../../src/testing/provider/scripted-upstream.ts"

type ToolCall = Extract<AnthropicAnswerPart, { type: "toolCall" }>

/** The parts of a model call that scripts use. */
export interface ModelCall {
  /** Tag of the session. */
  readonly tag: string
  /** Number of earlier responses in this run. */
  readonly turn: number
  /** Number of earlier calls of this session, including those of processes that died. */
  readonly earlierCalls: number
  /** If true, a summary replaces the beginning of the conversation. */
  readonly isCompacted: boolean
}

export type Script = (call: ModelCall) => UpstreamReply

/** Returns a message that makes the model play a script. */
export function prompt(script: string, tag: string): string {
  return `Play ${script} for ${tag}.`
}

/** Creates a model that plays the scripts that messages name. Its responses depend only on the conversation. */
export function scriptedModel(
  scripts: Readonly<Record<string, Script>>,
): (request: UpstreamRequest) => UpstreamReply {
  const calls = new Map<string, number>()
  const summaries = new Map<string, number>()
  return ({ body }) => {
    if (isSummaryCall(body)) return summaryOf(body, summaries)
    const blocks = blocksOf(body)
    const asked = blocks.findLastIndex(({ role, block }) => role === "user" && promptOf(block) !== null)
    const { script, tag } = promptOf(blocks[asked]?.block) ?? { script: "", tag: "" }
    const play = scripts[script]
    if (play === undefined) throw new Error(`There is no script for ${JSON.stringify(body)}.`)
    const answers = blocks.slice(asked).filter(({ role }, index, all) => {
      return role === "assistant" && all[index - 1]?.role !== "assistant"
    })
    const earlierCalls = calls.get(tag) ?? 0
    calls.set(tag, earlierCalls + 1)
    const isCompacted = isSummary(blocks[0])
    return play({ tag, turn: answers.length, earlierCalls, isCompacted })
  }
}

/** Returns true for a request for a summary. */
function isSummaryCall(body: unknown): boolean {
  return JSON.stringify((body as { readonly system?: unknown }).system ?? "").includes("You write summaries")
}

/** Returns true for a block with a summary of earlier messages. */
export function isSummary(block: Block | undefined): boolean {
  return String(block?.block.text ?? "").startsWith("<summary>\n[This summary,")
}

/** Returns a summary. The first summary of a session that plays `compactFails` is refused. */
function summaryOf(body: unknown, summaries: Map<string, number>): UpstreamReply {
  const [, script = "", tag = ""] = /Play (\w+) for ([\w-]+)\./.exec(JSON.stringify(body)) ?? []
  const earlier = summaries.get(tag) ?? 0
  summaries.set(tag, earlier + 1)
  if (script === "compactFails" && earlier === 0) {
    return anthropicErrorReply(529, "overloaded_error", "Overloaded", { "retry-after-ms": "1" })
  }
  return says(6)
}

/**
 * Returns the conversation of a request block by block, independently of the provider's division into turns and of the
 * marks for its cache, which move from call to call.
 */
export function blocksOf(body: unknown): readonly Block[] {
  const { messages } = body as { readonly messages: readonly Turn[] }
  return messages.flatMap(({ role, content }) => {
    return content.map(({ cache_control: _, ...block }) => ({ role, block }))
  })
}

/** Returns the tag of the request's session. */
export function tagOf(body: unknown): string | null {
  return (
    blocksOf(body)
      .map(({ block }) => promptOf(block)?.tag)
      .find((tag) => tag !== undefined) ?? null
  )
}

export interface Block {
  readonly role: "user" | "assistant"
  readonly block: { readonly type: string; readonly [field: string]: unknown }
}

interface Turn {
  readonly role: "user" | "assistant"
  readonly content: readonly (Block["block"] & { readonly cache_control?: unknown })[]
}

function promptOf(
  block: Block["block"] | undefined,
): { readonly script: string; readonly tag: string } | null {
  const found = /^Play (\w+) for ([\w-]+)\.$/m.exec(String(block?.text ?? ""))
  const [, script, tag] = found ?? []
  return script === undefined || tag === undefined ? null : { script, tag }
}

/** Returns a response of this many words. Each word is one delta, this many milliseconds after the previous one. */
export function says(words: number, delayMs = 2): UpstreamReply {
  return { steps: anthropicEvents([textOf(words)]), delayMs }
}

/** Returns a response of a few words and then calls with unique ids. */
export function calls(
  { tag, turn }: ModelCall,
  tools: readonly Pick<ToolCall, "name" | "input">[],
): UpstreamReply {
  const parts = tools.map((call, index): ToolCall => {
    return { ...call, type: "toolCall", id: `toolu_${tag}_${turn}_${index}` }
  })
  return { steps: anthropicEvents([textOf(3), ...parts]), delayMs: 1 }
}

function textOf(words: number): AnthropicAnswerPart {
  return { type: "text", text: Array.from({ length: words }, (_, index) => `word${index} `) }
}
