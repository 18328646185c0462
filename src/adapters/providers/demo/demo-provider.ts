import type { Message } from "../../../core/history/messages.ts"
import type { ModelEvent, ModelRequest, Provider } from "../../../core/ports/model/provider.ts"
import { thinkingLevels } from "../../../core/thinking-level.ts"
import { sleep } from "../../../core/time/sleep.ts"
import { createDemoResponse } from "./demo-answer.ts"

export interface DemoProviderOptions {
  /** Milliseconds between two words. Default 15. */
  readonly delayMs?: number
}

/**
 * An offline, rule-based stand-in for a model, to try an agent without a key. Its text says that it is not a model.
 * It calls the agent's tools on command (`/tool NAME {json}`), and gives the same response to the same request.
 */
export function demoProvider({ delayMs = 15 }: DemoProviderOptions = {}): Provider {
  return {
    name: "demo",
    defaultModel: "demo",
    priceList: "free",
    // The demo ignores the level. It accepts all levels so that an agent with one can be tried without a key.
    thinkingLevels: () => thinkingLevels,
    stream: (request, { signal }) => speak(request, delayMs, signal),
  }
}

async function* speak(
  request: ModelRequest,
  delayMs: number,
  signal: AbortSignal,
): AsyncGenerator<ModelEvent, void, undefined> {
  const content = createDemoResponse(request)
  let outputTokens = 0
  for (const [part, { type, ...rest }] of content.entries()) {
    if (!("text" in rest)) {
      outputTokens += splitIntoWords(JSON.stringify(rest)).length
      continue
    }
    for (const text of splitIntoWords(rest.text)) {
      await sleep(delayMs, signal)
      if (signal.aborted) return
      outputTokens++
      yield { type: type === "thinking" ? "thinkingDelta" : "textDelta", part, text }
    }
  }
  yield {
    type: "end",
    content,
    stopReason: content.some((part) => part.type === "toolCall") ? "toolCalls" : "end",
    model: request.model,
    usage: {
      inputTokens: countInputWords(request),
      outputTokens,
      cacheCreationInputTokens: 0,
      cacheReadInputTokens: 0,
    },
  }
}

/** Returns the words, each with its following white space, so that they join to the same text. */
function splitIntoWords(text: string): readonly string[] {
  return text.match(/\s*\S+\s*/g) ?? []
}

function countInputWords({ system, messages }: ModelRequest): number {
  const count = (text: string) => splitIntoWords(text).length
  const countMessageWords = (message: Message) =>
    count(JSON.stringify("content" in message ? message.content : message.results))
  return (
    system.reduce((sum, block) => sum + count(block.text), 0) +
    messages.reduce((sum, message) => sum + countMessageWords(message), 0)
  )
}
