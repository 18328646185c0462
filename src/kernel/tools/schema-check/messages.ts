/** A check for a thread. Both values are JSON, because text is copied between threads faster than objects are. */
export interface CheckRequest {
  readonly schema: string
  readonly value: string
}

/** The parts of a check, each with its own time limit. */
export type CheckPhase = "compiling" | "checking"

export type Verdict =
  | { readonly type: "valid" }
  | { readonly type: "invalid"; readonly message: string }
  | { readonly type: "unusable"; readonly message: string }
