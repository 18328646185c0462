import type { TerminalEvent } from "../../../src/core/log/entries.ts"
import { type Script, says } from "../support/model.ts"
import type { SessionClient } from "../support/session-client.ts"

/** The end of a run. `cancelled`: unless the run ended before the cancel. */
export type Ending = "completed" | "cancelled" | "maxTurns" | "budget" | "failed"

export interface Scenario {
  readonly model: Script
  /** Number of runs. */
  readonly runs: number
  readonly ending: Ending
  /** Plays the client. Resolves when the client has nothing left to do. */
  play(client: SessionClient, prompt: string): Promise<void>
}

export const done = says(6)

export async function chat(client: SessionClient, message: string): Promise<void> {
  await client.chat({ message })
}

export function pay(amount: number) {
  return { name: "pay", input: { amount } }
}

export function isEnding(ending: Ending, event: TerminalEvent, cancelled: boolean): boolean {
  if (event.type === "runFailed") return ending === "failed"
  if (cancelled || (ending === "cancelled" && event.reason === "cancelled"))
    return event.reason === "cancelled"
  if (ending === "maxTurns") return event.reason === "max_turns"
  if (ending === "budget") return event.reason === "budget"
  return event.disposition === "completed" && (ending === "completed" || ending === "cancelled")
}
