import type { Message } from "../core/messages.ts"

/**
 * Whether the conversation a client sent (without its new last message) is the one the log has (rule 13).
 * Clients hold less than the log does: texts and images, without tool calls and thinking, often with the answers of
 * several steps joined and white space changed. So that is what is compared.
 */
export function isSameHistory(ours: readonly Message[], theirs: readonly Message[]): boolean {
  const left = asClientsHoldIt(ours)
  const right = asClientsHoldIt(theirs)
  return left.length === right.length && left.every((turn, index) => isSameTurn(turn, right[index]))
}

interface Turn {
  readonly role: "user" | "assistant" | "system"
  text: string
  readonly images: string[]
}

function asClientsHoldIt(messages: readonly Message[]): Turn[] {
  const turns: Turn[] = []
  for (const message of messages) {
    if (message.role === "tool") continue
    const last = turns.at(-1)
    const turn: Turn = last?.role === message.role ? last : { role: message.role, text: "", images: [] }
    for (const part of message.content) {
      if (part.type === "text") turn.text += part.text.replace(/\s+/g, "")
      if (part.type === "image")
        turn.images.push(part.source.type === "url" ? part.source.url : part.source.data)
    }
    const empty = turn.text === "" && turn.images.length === 0
    if (turn !== last && !empty) turns.push(turn)
  }
  return turns
}

function isSameTurn(left: Turn, right: Turn | undefined): boolean {
  return (
    right !== undefined &&
    left.role === right.role &&
    left.text === right.text &&
    left.images.length === right.images.length &&
    left.images.every((image, index) => image === right.images[index])
  )
}
