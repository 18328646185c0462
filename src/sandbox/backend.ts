import type { CodeLanguage, OutputChunk, SandboxName } from "../core/ports/sandbox.ts"
import type { StagedFolder } from "./staged-folders.ts"
import type { Workspace } from "./workspace/workspaces.ts"

/** One way to run code. What all of them share (time, quota, order of output) is in `execute.ts`. */
export interface Backend {
  readonly name: SandboxName
  readonly sandboxed: boolean
  /** Description of how limits are enforced, for the log. */
  readonly description: string
  /** Limits that it cannot keep on this machine. */
  readonly unheld: readonly UnheldLimit[]
  /** If true, the backend knows `Exit.outOfMemory`; if not, it is guessed from the code's output. */
  readonly tellsOutOfMemory: boolean
  /** Rejects when the code cannot be started; nothing is left then. */
  start(order: Order): Promise<Running>
  /** Rejects if what it needs outside of this process does not answer. Left out if it needs nothing. */
  readonly ping?: () => Promise<unknown>
  /** Ends what processes of dead instances have left: containers, processes, cgroups. */
  reap(): Promise<void>
  /** Ends all that this process has started. */
  close(): Promise<void>
}

export interface UnheldLimit {
  /** The limit, of all processes of an execution together. */
  readonly limit: "memory" | "processes" | "processor time"
  /** Safe to show to anyone. */
  readonly reason: string
}

export interface Order {
  readonly workspace: Workspace
  readonly language: CodeLanguage
  readonly code: string
  readonly env?: Readonly<Record<string, string>> | undefined
  readonly folders: readonly StagedFolder[]
  /** The session may soon have more. */
  readonly expectMore: boolean
}

export interface Running {
  /** Ends with the code. */
  readonly output: AsyncIterable<OutputChunk>
  /** Resolves once its main process has ended and no other of its processes is left. */
  readonly exited: Promise<Exit>
  /** Stops every process of it until `thaw`. Resolves when none runs any more. Does nothing if it has ended. */
  freeze(): Promise<void>
  thaw(): Promise<void>
  /** Kills every process of it, also while it is frozen. Resolves when all are gone; may be called again. */
  end(): Promise<void>
}

export interface Exit {
  readonly exitCode: number
  readonly outOfMemory: boolean
}
