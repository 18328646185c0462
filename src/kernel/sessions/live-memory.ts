import type { Principal } from "../../core/ports/store/session-log.ts"
import { toPrincipalKey } from "./principal-key.ts"

/** Maximum bytes of a session that need not wait. The number of runs already bounds such sessions. */
const uncountedBytes = 256 * 1024
/** Maximum share of the memory for the sessions of one principal. */
const principalShare = 1 / 4

interface Waiting {
  readonly key: string
  readonly bytes: number
  readonly start: () => void
}

/**
 * Limits the bytes of conversations that this process holds for runs, of request bodies that it handles, or of
 * histories that it reads. A session that finds no room waits before it is loaded. Sessions start in the order of
 * arrival, but a principal that has used its share waits only for its own sessions. A session that is alone may exceed
 * all limits.
 */
export class LiveMemory {
  readonly #maxBytes: number
  readonly #heldBy = new Map<string, number>()
  readonly #waiting: Waiting[] = []
  #held = 0

  constructor({ maxBytes }: { readonly maxBytes: number }) {
    this.#maxBytes = maxBytes
  }

  /** Resolves to a function that releases the memory. Rejects if the signal aborts first. */
  async take(principal: Principal, bytes: number, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted()
    if (bytes <= uncountedBytes) return () => {}
    const key = toPrincipalKey(principal)
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
    const heldBytes = this.#heldBy.get(key) ?? 0
    return heldBytes === 0 || heldBytes + bytes <= this.#maxBytes * principalShare
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
      // Later sessions must not overtake this one, or a large session could wait forever.
      if (!this.#fits(key, bytes)) return
      this.#waiting.splice(this.#waiting.indexOf(waiting), 1)
      waiting.start()
    }
  }

  #add(key: string, bytes: number): void {
    const heldBytes = (this.#heldBy.get(key) ?? 0) + bytes
    if (heldBytes > 0) this.#heldBy.set(key, heldBytes)
    else this.#heldBy.delete(key)
    this.#held += bytes
  }
}
