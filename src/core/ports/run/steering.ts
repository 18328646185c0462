import type { SteerCommand } from "../store/inbox.ts"

/** Messages in a run's inbox that wait to join the run between two of its steps. */
export interface Steering {
  /** Returns the known messages, oldest first. */
  waiting(): readonly SteeringMessage[]
  /** Forgets messages that a commit has consumed. */
  joined(ids: readonly number[]): void
  /** Reads the inbox again. Retries while the store is unavailable. Rejects with the signal's reason. */
  refresh(signal: AbortSignal): Promise<void>
}

/** A steering message with the id of its command. The commit that logs the message consumes the command. */
export type SteeringMessage = SteerCommand & { readonly id: number }
