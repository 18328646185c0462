import type { HeldPlaces, Principal, Shares } from "../core/ports/session-log.ts"
import { principalKey } from "./principal-key.ts"

/** Principals without a place whose last turn is remembered. */
const maxRemembered = 200

export interface SlotsOptions {
  readonly maxConcurrentRuns: number
  readonly maxConcurrentRunsPerPrincipal: number
}

/** The places for runs in this process, and how many of them each principal has. */
export class Slots {
  readonly #options: SlotsOptions
  readonly #held = new Map<string, HeldPlaces>()
  /** The last turns of principals that have no place any more, oldest first. */
  readonly #former = new Map<string, HeldPlaces>()
  #taken = 0
  /** Places kept for sessions that are being claimed, whose principals are not known yet. */
  #reserved = 0
  #turns = 0

  constructor(options: SlotsOptions) {
    this.#options = options
  }

  get free(): number {
    return this.#options.maxConcurrentRuns - this.#taken - this.#reserved
  }

  /** Returns true if the principal has as many places as one principal may have. */
  isAtShare(principal: Principal): boolean {
    const count = this.#held.get(principalKey(principal))?.count ?? 0
    return count >= this.#options.maxConcurrentRunsPerPrincipal
  }

  take({ tenant, userId }: Principal): void {
    const key = principalKey({ tenant, userId })
    const count = (this.#held.get(key)?.count ?? 0) + 1
    this.#held.set(key, { tenant, userId, count, lastTurn: ++this.#turns })
    this.#former.delete(key)
    this.#taken += 1
  }

  release(principal: Principal): void {
    const key = principalKey(principal)
    const held = this.#held.get(key)
    if (held === undefined) return
    this.#taken -= 1
    if (held.count > 1) this.#held.set(key, { ...held, count: held.count - 1 })
    else {
      this.#held.delete(key)
      this.#remember(key, { ...held, count: 0 })
    }
  }

  /** Keeps a place while `claim` finds out whose it will be. */
  async whileReserved<T>(claim: () => Promise<T>): Promise<T> {
    this.#reserved += 1
    try {
      return await claim()
    } finally {
      this.#reserved -= 1
    }
  }

  /** Returns the counts that a store needs to assign places fairly. */
  shares(): Shares {
    const { maxConcurrentRunsPerPrincipal: perPrincipal } = this.#options
    return { perPrincipal, held: [...this.#held.values(), ...this.#former.values()] }
  }

  #remember(key: string, former: HeldPlaces): void {
    this.#former.set(key, former)
    const [oldest] = this.#former.keys()
    if (this.#former.size > maxRemembered && oldest !== undefined) this.#former.delete(oldest)
  }
}
