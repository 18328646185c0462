import type { CodeLanguage, SandboxName, SandboxSession } from "./sandbox.ts"

/** The state of an agent's sandboxes in this process, for operators. */
export interface SandboxState {
  /** All allowed backends, best first. */
  readonly backends: readonly BackendState[]
  /** The reason why the backend in use does not work now. Null if it works. */
  readonly problem: string | null
  /** `none`, or the network that code can reach. */
  readonly network: string
  /** The limits of one execution, and of a session's working directory. */
  readonly limits: readonly SandboxLimit[]
  readonly executions: {
    readonly running: number
    readonly maxRunning: number
    readonly waiting: number
    readonly maxWaiting: number
  }
  /** Containers that wait for an execution. Null if the backend in use has none. */
  readonly warmPool: { readonly size: number; readonly max: number } | null
  readonly disk: {
    /** Number of the sessions' working directories on this machine, including those of other processes. */
    readonly directories: number
    /** Free bytes of the file system of the working directories. */
    readonly freeBytes: number
    /** If fewer bytes than this are free, the gateway ends executions. */
    readonly reservedBytes: number
  }
}

export interface BackendState {
  readonly name: SandboxName
  /**
   * `inUse`: runs the code. `usable`: works, and runs code that requests this backend. `refused`: works, but
   * `requireSandbox` excludes it. `unusable`: does not work on this machine.
   */
  readonly state: "inUse" | "usable" | "refused" | "unusable"
  /** If false, code can read the host's files and reach its network. */
  readonly sandboxed: boolean
  /** Empty for a backend that may not be used. */
  readonly languages: readonly CodeLanguage[]
  /** Description of the backend, or the reason why it does not work. */
  readonly reason: string
}

export interface SandboxLimit {
  /** Units: bytes for `memory` and `disk`, milliseconds for `time`, and otherwise a number. */
  readonly name: "memory" | "processor time" | "processes" | "time" | "disk" | "files"
  readonly value: number
  /** The part of the limit that the backend in use cannot enforce on this machine. Null if it enforces all of it. */
  readonly gap: string | null
}

/** The sandbox of one session that this process has used. */
export interface SessionSandbox {
  readonly session: SandboxSession
  readonly running: number
  /** Executions that wait for their turn. */
  readonly waiting: number
  /** The last measured usage of the working directory. Null before the first measurement. */
  readonly usage: { readonly bytes: number; readonly entries: number } | null
  /** If true, a container waits for the session's next execution. */
  readonly isWarm: boolean
}
