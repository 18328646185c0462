/** A check for a thread. Both values are JSON, because text is copied between threads faster than objects are. */
export interface CheckRequest {
  readonly schema: string
  readonly value: string
}

/** The parts of a check, each with its own time limit. */
export type CheckPhase = "compiling" | "checking"

export type CheckReply =
  | { readonly type: "started"; readonly phase: CheckPhase; readonly cpuMs: number }
  | Verdict

export type Verdict =
  | { readonly type: "valid" }
  | { readonly type: "invalid"; readonly message: string }
  | { readonly type: "unusable"; readonly message: string }

export interface ThreadSettings {
  /** If true, `cpuMs` counts the thread's own CPU time; otherwise that of the whole process. */
  readonly countsOwnCpu: boolean
}

export function toMilliseconds({ user, system }: { readonly user: number; readonly system: number }): number {
  return (user + system) / 1_000
}
