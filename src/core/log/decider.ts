import type { Approver } from "../wait.ts"
import type { Decider } from "./entries.ts"

/** The address and the credential of an answer. */
export interface DecidedWith {
  /** The network address of the answer, if known. */
  readonly address: string | null
  /** The credential of an answer by HTTP; `plugin` for a plugin that acts for the user. Code and commands have none. */
  readonly credential?: DeciderCredential
  /** Name of the operator who answered. Absent for everyone else. */
  readonly operator?: string
}

export type DeciderCredential =
  | "sessionToken"
  | "userToken"
  | "apiKey"
  | "authenticate"
  | "operator"
  | "plugin"

/**
 * Returns true if this person or code may decide calls with this approver. Clients may not, where an operator must.
 */
export function mayDecide(approver: Approver, decider: Decider): boolean {
  if (approver === "client" || isOperator(decider)) return true
  return decider.via !== "http" && decider.credential !== "plugin"
}

function isOperator({ credential }: Decider): boolean {
  return credential === "operator"
}

/** Returns the person who answered a wait, as users see it. The names of operators are not for users. */
export function formatDecider(decider: Decider | null): string {
  if (decider === null) return "expiry"
  return isOperator(decider) ? "operator" : (decider.userId ?? decider.via)
}
