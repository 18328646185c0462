import { waitForNextSlice } from "../time/next-slice.ts"
import type { Message } from "./messages.ts"

/**
 * Identifies a conversation as clients hold it: texts without white space, and images. A fingerprint can be extended
 * by further messages without the messages before them. Accidental collisions are as likely as those of a 64-bit
 * hash. A client that makes a collision on purpose only receives the history of the gateway.
 */
export interface HistoryFingerprint {
  /** The role of the last turn. Null if there are no turns. */
  readonly role: TurnRole | null
  /** Number of hashed units. */
  readonly units: number
  readonly text: Hash
  readonly images: Hash
}

type TurnRole = "user" | "assistant" | "system"
type Hash = readonly [number, number]

export const emptyFingerprint: HistoryFingerprint = {
  role: null,
  units: 0,
  text: [0x811c9dc5, 0x2545f491],
  images: [0x811c9dc5, 0x2545f491],
}

/** Units beyond those of UTF-16, so that no text contains them. */
const roleUnits: Readonly<Record<TurnRole, number>> = { user: 0x10000, assistant: 0x10001, system: 0x10002 }
const endOfImage = 0x10003

/**
 * Number of characters to hash in one turn of the event loop (rule 15, durability and responsiveness). 200 000 of them
 * took 20 to 40 ms while sixteen clients sent histories of 4 MiB.
 */
const sliceCharacters = 50_000

/** Returns the fingerprint of the conversation extended by these messages. */
export async function extendFingerprint(
  fingerprint: HistoryFingerprint,
  messages: readonly Message[],
): Promise<HistoryFingerprint> {
  const text = new RunningHash(fingerprint.text)
  const images = new RunningHash(fingerprint.images)
  let { role } = fingerprint
  let pausedAt = 0
  for (const message of messages) {
    if (text.units + images.units - pausedAt >= sliceCharacters) {
      await waitForNextSlice()
      pausedAt = text.units + images.units
    }
    if (message.role === "tool") continue
    const texts = message.content.flatMap((part) => (part.type === "text" ? [part.text] : []))
    const sources = message.content.flatMap((part) => (part.type === "image" ? [part.source] : []))
    if (sources.length === 0 && !texts.some((each) => /\S/.test(each))) continue
    if (message.role !== role) {
      role = message.role
      text.add(roleUnits[role])
      images.add(roleUnits[role])
    }
    for (const each of texts) await text.addVisible(each)
    for (const source of sources) {
      await images.addAll(source.type === "url" ? source.url : source.data)
      images.add(endOfImage)
    }
  }
  return { role, units: fingerprint.units + text.units + images.units, text: text.hash, images: images.hash }
}

export function isSameFingerprint(left: HistoryFingerprint, right: HistoryFingerprint): boolean {
  return (
    left.role === right.role &&
    left.units === right.units &&
    isSameHash(left.text, right.text) &&
    isSameHash(left.images, right.images)
  )
}

function isSameHash(left: Hash, right: Hash): boolean {
  return left[0] === right[0] && left[1] === right[1]
}

/** Two multiplicative 32-bit hashes. Their state is enough to continue hashing later. */
class RunningHash {
  units = 0
  #first: number
  #second: number

  constructor([first, second]: Hash) {
    this.#first = first
    this.#second = second
  }

  get hash(): Hash {
    return [this.#first >>> 0, this.#second >>> 0]
  }

  add(unit: number): void {
    this.#first = mixFirst(this.#first, unit)
    this.#second = mixSecond(this.#second, unit)
    this.units += 1
  }

  /** Adds the characters of a text that are not white space. */
  addVisible(text: string): Promise<void> {
    return this.#addInSlices(text, true)
  }

  addAll(text: string): Promise<void> {
    return this.#addInSlices(text, false)
  }

  async #addInSlices(text: string, isVisibleOnly: boolean): Promise<void> {
    for (let start = 0; start < text.length; start += sliceCharacters) {
      if (start > 0) await waitForNextSlice()
      this.#addSlice(text, { start, end: Math.min(text.length, start + sliceCharacters), isVisibleOnly })
    }
  }

  /** Keeps the state in local variables, which takes a quarter less time than fields. */
  #addSlice(text: string, { start, end, isVisibleOnly }: Slice): void {
    let first = this.#first
    let second = this.#second
    let units = 0
    for (let at = start; at < end; at++) {
      const unit = text.charCodeAt(at)
      if (isVisibleOnly && !isVisible(unit)) continue
      first = mixFirst(first, unit)
      second = mixSecond(second, unit)
      units += 1
    }
    this.#first = first
    this.#second = second
    this.units += units
  }
}

interface Slice {
  readonly start: number
  readonly end: number
  readonly isVisibleOnly: boolean
}

function mixFirst(hash: number, unit: number): number {
  const mixed = Math.imul(hash ^ unit, 0x9e3779b1)
  return mixed ^ (mixed >>> 15)
}

function mixSecond(hash: number, unit: number): number {
  const mixed = Math.imul(hash ^ unit, 0x85ebca77)
  return mixed ^ (mixed >>> 13)
}

/** Returns false for characters that `\s` of a regular expression matches. */
function isVisible(unit: number): boolean {
  if (unit < 0x80) return unit !== 0x20 && (unit < 0x09 || unit > 0x0d)
  return !/\s/.test(String.fromCharCode(unit))
}
