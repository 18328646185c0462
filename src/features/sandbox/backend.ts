import type { CodeLanguage, OutputChunk, SandboxName } from "../../core/ports/tools/sandbox.ts"
import type { StagedFolder } from "./staged-folders.ts"
import type { Workspace } from "./workspace/workspaces.ts"

/** A way to run code. `execute.ts` contains the parts that all backends share: time limit, quota, order of output. */
export interface Backend {
  readonly name: SandboxName
  readonly sandboxed: boolean
  /** Description of the enforced limits, for the log. */
  readonly description: string
  /** Limits that the backend cannot enforce on this machine. */
  readonly unheld: readonly UnheldLimit[]
  /** If true, the backend reports `Exit.outOfMemory`. Otherwise it is guessed from the code's output. */
  readonly tellsOutOfMemory: boolean
  /** Program that runs Python code. Default `python3`. */
  readonly python?: string
  /** Starts code. If this fails, no process is left, and the promise rejects. */
  start(order: Order): Promise<Running>
  /** Rejects if an external dependency does not respond. Absent if there is none. */
  readonly ping?: () => Promise<unknown>
  /** Returns the ids of the sessions for which a container waits. Absent if the backend keeps none. */
  readonly warmSessions?: () => readonly string[]
  /** Ends everything that dead instances have left: containers, processes, cgroups. */
  reap(): Promise<void>
  /** Ends everything that this process has started. */
  close(): Promise<void>
}

export interface UnheldLimit {
  /** The limit for all processes of an execution together. */
  readonly limit: "memory" | "processes" | "processor time"
  /** The reason, which is safe to show to anyone. */
  readonly reason: string
}

export interface Order {
  readonly workspace: Workspace
  readonly language: CodeLanguage
  readonly code: string
  readonly env?: Readonly<Record<string, string>> | undefined
  readonly folders: readonly StagedFolder[]
  /** If true, the session may soon have more executions. */
  readonly expectMore: boolean
}

export interface Running {
  /** Output of the code. It ends with the code. */
  readonly output: AsyncIterable<OutputChunk>
  /** Resolves when the main process has ended and no other process of the execution is left. */
  readonly exited: Promise<Exit>
  /**
   * Stops every process of the execution until `thaw`. Resolves when none runs any more. Does nothing if the
   * execution has ended.
   */
  freeze(): Promise<void>
  thaw(): Promise<void>
  /**
   * Kills every process of the execution, even while it is frozen. Resolves when all are gone. May be called again.
   */
  end(): Promise<void>
}

export interface Exit {
  readonly exitCode: number
  readonly outOfMemory: boolean
}
