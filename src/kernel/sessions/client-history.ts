import {
  emptyFingerprint,
  extendFingerprint,
  isSameFingerprint,
} from "../../core/history/history-fingerprint.ts"
import { extendTurns } from "../../core/history/history-turns.ts"
import type { Message } from "../../core/history/messages.ts"
import { waitForNextSlice } from "../../core/time/next-slice.ts"
import type { Conversation } from "../agent/conversation.ts"

/** Number of characters to compare in one turn of the event loop (rule 15). */
const sliceCharacters = 50_000

type OwnHistory = Pick<Conversation, "messages" | "formerMessages" | "formerTurns">

/**
 * Compares the conversation that a client sent, without its new last message, with the log (rule 13). Returns true if
 * the client sent all of it, or its last turns. Clients keep less than the log: texts and images, without tool calls
 * and thinking, often with joined responses and changed white space. The comparison therefore covers only what both
 * have. After a compaction, it compares fingerprints, so that a client with its own history does not undo the
 * compaction. Yields to the event loop.
 */
export async function isKnownHistory(own: OwnHistory, theirs: readonly Message[]): Promise<boolean> {
  return (await isSameHistory(own, theirs)) || isRecentPart(own, theirs)
}

async function isSameHistory(
  { messages, formerMessages }: OwnHistory,
  theirs: readonly Message[],
): Promise<boolean> {
  if (formerMessages === emptyFingerprint) return hasSameMessages(messages, theirs)
  const sent = await extendFingerprint(emptyFingerprint, theirs)
  return isSameFingerprint(sent, await extendFingerprint(formerMessages, messages))
}

/**
 * Compares the client's turns with the same number of last turns of the log. A part of the conversation without a
 * response does not match, because a client that starts again may repeat its last message.
 */
async function isRecentPart(
  { messages, formerTurns }: OwnHistory,
  theirs: readonly Message[],
): Promise<boolean> {
  if (!theirs.some(({ role }) => role === "assistant")) return false
  const sent = await extendTurns([], theirs)
  const last = (await extendTurns(formerTurns, messages)).slice(-sent.length)
  return (
    last.length === sent.length &&
    last.some(({ role }) => role === "assistant") &&
    last.every((turn, index) => isSameFingerprint(turn, sent[index] ?? emptyFingerprint))
  )
}

async function hasSameMessages(ours: readonly Message[], theirs: readonly Message[]): Promise<boolean> {
  const left = await toClientTurns(ours)
  const right = await toClientTurns(theirs)
  if (left.length !== right.length) return false
  for (const [index, turn] of left.entries()) if (!hasSameFrame(turn, right[index])) return false
  for (const [index, { texts }] of left.entries()) {
    if (!(await isSameText(texts, right[index]?.texts ?? []))) return false
  }
  return true
}

interface Turn {
  readonly role: "user" | "assistant" | "system"
  /** The texts are compared as one text without white space. */
  readonly texts: string[]
  readonly images: string[]
}

/** Yields to the event loop, because the first look into a text that was joined from pieces copies all of it. */
async function toClientTurns(messages: readonly Message[]): Promise<Turn[]> {
  const turns: Turn[] = []
  let inSlice = 0
  for (const message of messages) {
    if (inSlice >= sliceCharacters) {
      await waitForNextSlice()
      inSlice = 0
    }
    if (message.role === "tool") continue
    const last = turns.at(-1)
    const turn: Turn = last?.role === message.role ? last : { role: message.role, texts: [], images: [] }
    for (const part of message.content) {
      if (part.type === "text") inSlice += part.text.length
      if (part.type === "text" && /\S/.test(part.text)) turn.texts.push(part.text)
      if (part.type === "image")
        turn.images.push(part.source.type === "url" ? part.source.url : part.source.data)
    }
    const empty = turn.texts.length === 0 && turn.images.length === 0
    if (turn !== last && !empty) turns.push(turn)
  }
  return turns
}

function hasSameFrame(left: Turn, right: Turn | undefined): boolean {
  return (
    right !== undefined &&
    left.role === right.role &&
    left.images.length === right.images.length &&
    left.images.every((image, index) => image === right.images[index])
  )
}

async function isSameText(left: readonly string[], right: readonly string[]): Promise<boolean> {
  const [ours, theirs] = [new VisibleText(left), new VisibleText(right)]
  for (let count = 1; ; count++) {
    const unit = ours.next()
    if (unit !== theirs.next()) return false
    if (unit === null) return true
    if (count % sliceCharacters === 0) await waitForNextSlice()
  }
}

/** Reads several texts as one text without white space. */
class VisibleText {
  readonly #texts: readonly string[]
  #text = 0
  #at = 0

  constructor(texts: readonly string[]) {
    this.#texts = texts
  }

  /** Returns the next UTF-16 code unit, or null at the end. */
  next(): number | null {
    for (;;) {
      const text = this.#texts[this.#text]
      if (text === undefined) return null
      while (this.#at < text.length) {
        const unit = text.charCodeAt(this.#at++)
        if (!isWhiteSpace(unit)) return unit
      }
      this.#text += 1
      this.#at = 0
    }
  }
}

/** Returns true for characters that `\s` of a regular expression matches. */
function isWhiteSpace(unit: number): boolean {
  if (unit < 0x80) return unit === 0x20 || (unit >= 0x09 && unit <= 0x0d)
  return /\s/.test(String.fromCharCode(unit))
}
