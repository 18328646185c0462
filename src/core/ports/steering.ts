import type { SteerCommand } from "./inbox.ts"

/** Messages in a run's inbox that wait to join the run between two of its steps. */
export interface Steering {
  /** Oldest first, as far as they are known. */
  waiting(): readonly SteeringMessage[]
  /** Forgets messages that a commit has consumed. */
  joined(ids: readonly number[]): void
  /** Looks into the inbox again. While the store is unavailable it keeps trying. Rejects with the signal's reason. */
  refresh(signal: AbortSignal): Promise<void>
}

/** `id` is the command's, to be consumed by what acts on it. */
export type SteeringMessage = SteerCommand & { readonly id: number }
