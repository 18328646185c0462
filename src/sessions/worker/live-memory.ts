import type { Principal } from "../../core/ports/session-log.ts"
import { principalKeyOf } from "../principal-key.ts"

/** Sessions up to this size do not wait, because the number of runs bounds them. */
const uncountedBytes = 256 * 1024
/** Share of the memory that the sessions of one principal may have together. */
const principalShare = 1 / 4

interface Waiting {
  readonly key: string
  readonly bytes: number
  readonly start: () => void
}

/**
 * Bounds the bytes of the conversations that this process has in memory for runs. A session that finds no room waits
 * before it is loaded. Sessions start in the order in which they came, except that a principal with its share waits for
 * its own sessions only. A session alone may be larger than all bounds.
 */
export class LiveMemory {
  readonly #maxBytes: number
  readonly #heldBy = new Map<string, number>()
  readonly #waiting: Waiting[] = []
  #held = 0

  constructor({ maxBytes }: { readonly maxBytes: number }) {
    this.#maxBytes = maxBytes
  }

  /** Resolves to a function that gives the memory back. Rejects if the signal is aborted before. */
  async take(principal: Principal, bytes: number, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted()
    if (bytes <= uncountedBytes) return () => {}
    const key = principalKeyOf(principal)
    if (this.#waiting.length === 0 && this.#fits(key, bytes)) return this.#start(key, bytes)
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1)
        this.#startWaiting()
        reject(signal.reason)
      }
      const waiting: Waiting = {
        key,
        bytes,
        start: () => {
          signal.removeEventListener("abort", leave)
          resolve(this.#start(key, bytes))
        },
      }
      this.#waiting.push(waiting)
      signal.addEventListener("abort", leave, { once: true })
      this.#startWaiting()
    })
  }

  #fits(key: string, bytes: number): boolean {
    return this.#fitsShare(key, bytes) && (this.#held === 0 || this.#held + bytes <= this.#maxBytes)
  }

  #fitsShare(key: string, bytes: number): boolean {
    const held = this.#heldBy.get(key) ?? 0
    return held === 0 || held + bytes <= this.#maxBytes * principalShare
  }

  #start(key: string, bytes: number): () => void {
    this.#add(key, bytes)
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      this.#add(key, -bytes)
      this.#startWaiting()
    }
  }

  #startWaiting(): void {
    for (const waiting of [...this.#waiting]) {
      const { key, bytes } = waiting
      if (!this.#fitsShare(key, bytes)) continue
      // Later ones must not overtake it, or a large session might wait for ever.
      if (!this.#fits(key, bytes)) return
      this.#waiting.splice(this.#waiting.indexOf(waiting), 1)
      waiting.start()
    }
  }

  #add(key: string, bytes: number): void {
    const held = (this.#heldBy.get(key) ?? 0) + bytes
    if (held > 0) this.#heldBy.set(key, held)
    else this.#heldBy.delete(key)
    this.#held += bytes
  }
}
