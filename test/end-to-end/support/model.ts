import { onTestFinished } from "vitest"
import { turnBytes } from "../../../src/adapters/providers/transport/body-reader.ts"
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

type Script = Parameters<typeof startScriptedUpstream>[0]

/**
 * Starts a model provider that plays these replies, one for each call. Each of its events becomes an event of the
 * gateway, even if the gateway is slow.
 */
export async function startModel(script: Script, onEnd: OnEnd = onTestFinished): Promise<ScriptedUpstream> {
  const apart: Script =
    typeof script === "function" ? (request) => keepApart(script(request)) : script.map(keepApart)
  return startJoinableModel(apart, onEnd)
}

/** Starts such a provider, of whose deltas the gateway joins those that arrive together. */
export async function startJoinableModel(
  script: Script,
  onEnd: OnEnd = onTestFinished,
): Promise<ScriptedUpstream> {
  const model = await startScriptedUpstream(script)
  onEnd(() => model.close())
  return model
}

/** A comment of more than half of what the gateway joins. Two events with such comments are not joined. */
const comment = `: ${"-".repeat(turnBytes / 2)}\n`

function keepApart(reply: UpstreamReply): UpstreamReply {
  const steps = reply.steps.map((step) =>
    typeof step === "string" && /^(event|data):.*\n\n$/s.test(step) ? comment + step : step,
  )
  return { ...reply, steps }
}

/** Returns a response of text. Each string is one delta. */
export function says(...text: readonly string[]): UpstreamReply {
  return answers([{ type: "text", text }])
}

/** Returns a response with one call. */
export function calls(name: string, input: Extract<AnthropicAnswerPart, { type: "toolCall" }>["input"] = {}) {
  return answers([{ type: "toolCall", name, input }])
}

export function answers(
  parts: readonly AnthropicAnswerPart[],
  options?: AnthropicAnswerOptions,
): UpstreamReply {
  return { steps: anthropicEvents(parts, options) }
}

/** Returns the same text with a pause after `deltas` of its deltas, until the promise settles. */
export function pausing(text: readonly string[], deltas: number, until: PromiseLike<unknown>): UpstreamReply {
  const [before, after] = splitAfter(text, deltas)
  return { steps: [...before, { type: "wait", until }, ...after] }
}

/** Returns the same text, but the connection breaks after `deltas` of its deltas. */
export function cutting(text: readonly string[], deltas: number): UpstreamReply {
  return { steps: [...splitAfter(text, deltas)[0], { type: "cut" }] }
}

/** A reply that keeps the connection open and sends nothing. */
export const silent: UpstreamReply = { steps: [{ type: "wait", until: new Promise(() => {}) }] }

function splitAfter(text: readonly string[], deltas: number) {
  const events = anthropicEvents([{ type: "text", text }])
  // The start events of the message and of its block come first.
  const at = 2 + deltas
  return [events.slice(0, at), events.slice(at)] as const
}

/** Returns a gate, which the test opens to let work continue. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { opened: promise, open: resolve }
}

/** Returns words to stream: `w1 w2 …`. */
export function words(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `w${index + 1} `)
}
