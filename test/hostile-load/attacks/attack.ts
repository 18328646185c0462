import type { Agent } from "node:http"
import type { SessionAccess } from "../support/open-session.ts"

export interface AttackContext {
  readonly url: string
  readonly agent: Agent
  /** Session of this repetition. */
  readonly own: SessionAccess
  /** Sessions with very long logs, for all attacks. */
  readonly long: readonly SessionAccess[]
  /** Sessions that store many megabytes. */
  readonly large: readonly SessionAccess[]
  /** Number of this repetition among the repetitions of the attack. */
  readonly place: number
}

/** One kind of request that the gateway allows and that is expensive for it. */
export interface Attack {
  readonly name: string
  /** Number of concurrent repetitions. */
  readonly places: number
  /** If true, each repetition has its own session. Otherwise they share the sessions of other attacks. */
  readonly ownSession: boolean
  /** Attacks once. Resolves to the outcome, under which the attack is counted. */
  attack(context: AttackContext): Promise<string | number>
}
