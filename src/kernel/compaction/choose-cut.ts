import type { Message } from "../../core/history/messages.ts"

interface Measured {
  readonly messages: readonly Message[]
  readonly tokensOf: (message: Message) => number
}

/**
 * Returns the number of first messages that a summary may replace, so that about `keptTokens` of the last ones
 * remain. The kept messages start with a message of the user if there is one among them. A call and its result stay
 * together, so the last call and its result always remain, whatever their size is. 0 if nothing can be replaced.
 */
export function chooseCut({ messages, tokensOf }: Measured, keptTokens: number): number {
  let cut = messages.length
  let turnCut: number | null = null
  let tokens = 0
  for (const [index, message] of [...messages.entries()].reverse()) {
    tokens += tokensOf(message)
    if (tokens > keptTokens && cut < messages.length) break
    if (message.role === "tool") continue
    cut = index
    if (message.role === "user") turnCut = index
  }
  return turnCut ?? cut
}

/**
 * Returns the number of first messages for one request for a summary: as many as `maxTokens` allow, at most `count`,
 * and at least one message with the results of its calls.
 */
export function choosePiece({ messages, tokensOf }: Measured, count: number, maxTokens: number): number {
  let piece = 0
  let tokens = 0
  for (const [index, message] of messages.slice(0, count).entries()) {
    tokens += tokensOf(message)
    if (tokens > maxTokens && piece > 0) break
    if (index + 1 === count || messages[index + 1]?.role !== "tool") piece = index + 1
  }
  return piece
}
