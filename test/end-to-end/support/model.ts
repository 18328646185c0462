import { onTestFinished } from "vitest"
import {
  type AnthropicAnswerOptions,
  type AnthropicAnswerPart,
  anthropicEvents,
} from "../../../src/testing/provider/anthropic-wire.ts"
import {
  type ScriptedUpstream,
  startScriptedUpstream,
  type UpstreamReply,
} from "../../../src/testing/provider/scripted-upstream.ts"
import type { OnEnd } from "./on-end.ts"

/** A model service that gives these answers, one a call. */
export async function startModel(
  script: Parameters<typeof startScriptedUpstream>[0],
  onEnd: OnEnd = onTestFinished,
): Promise<ScriptedUpstream> {
  const model = await startScriptedUpstream(script)
  onEnd(() => model.close())
  return model
}

/** An answer of text, each string one delta. */
export function says(...text: readonly string[]): UpstreamReply {
  return answers([{ type: "text", text }])
}

/** An answer of one call. */
export function calls(name: string, input: Extract<AnthropicAnswerPart, { type: "toolCall" }>["input"] = {}) {
  return answers([{ type: "toolCall", name, input }])
}

export function answers(
  parts: readonly AnthropicAnswerPart[],
  options?: AnthropicAnswerOptions,
): UpstreamReply {
  return { steps: anthropicEvents(parts, options) }
}

/** The same text, but silent after `deltas` of its deltas until the promise settles. */
export function pausing(text: readonly string[], deltas: number, until: PromiseLike<unknown>): UpstreamReply {
  const [before, after] = splitAfter(text, deltas)
  return { steps: [...before, { type: "wait", until }, ...after] }
}

/** The same text, but the connection breaks after `deltas` of its deltas. */
export function cutting(text: readonly string[], deltas: number): UpstreamReply {
  return { steps: [...splitAfter(text, deltas)[0], { type: "cut" }] }
}

/** Never answers: the connection stays open. */
export const silent: UpstreamReply = { steps: [{ type: "wait", until: new Promise(() => {}) }] }

function splitAfter(text: readonly string[], deltas: number) {
  const events = anthropicEvents([{ type: "text", text }])
  // The message and its block begin first.
  const at = 2 + deltas
  return [events.slice(0, at), events.slice(at)] as const
}

/** Returns a gate that a test opens when it is time to go on. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { opened: promise, open: resolve }
}

/** Words to stream: `w1 w2 …`. */
export function words(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `w${index + 1} `)
}
