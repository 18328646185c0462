import type { Agent } from "node:http"
import type { SessionAccess } from "../support/open-session.ts"

export interface AttackContext {
  readonly url: string
  readonly agent: Agent
  /** The session of this repetition. */
  readonly own: SessionAccess
  /** Sessions with very long logs, for all attacks. */
  readonly long: readonly SessionAccess[]
  /** Sessions that store many megabytes. */
  readonly large: readonly SessionAccess[]
  /** Number of this repetition among those of its attack. */
  readonly place: number
}

/** One kind of request that the gateway allows and that costs it much. */
export interface Attack {
  readonly name: string
  /** Number of repetitions at the same time. */
  readonly places: number
  /** If true, each repetition has a session of its own. Otherwise they use those of the others. */
  readonly ownSession: boolean
  /** Attacks once. Resolves to the outcome, under which it is counted. */
  attack(context: AttackContext): Promise<string | number>
}
