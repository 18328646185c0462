import type { Readable } from "node:stream"

/** Everything that the command line needs from its process, so that tests can stand in for one. */
export interface ProcessContext {
  /** Arguments behind the program's name. */
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly stdin: Readable
  readonly stdout: TextOutput
  readonly stderr: TextOutput
  /** Aborted, with the signal's name as reason, when the process is asked to stop. */
  readonly signal: AbortSignal
  /** This program's file, by which `dev` starts its worker. */
  readonly program: string
  /** Tells the supervisor something; only a worker of `dev` has one. */
  readonly report?: (message: WorkerMessage) => void
  /** Resolves when the supervisor lets its worker serve; only a worker of `dev` has one. */
  readonly mayServe?: Promise<void>
}

/** The process as a command sees it. Both outputs escape control characters, because most text comes from outside. */
export interface CliContext extends ProcessContext {
  /** Standard output for text that the model wrote: escaped for a terminal, unchanged for a file or a pipe. */
  readonly answerOutput: TextOutput
}

export interface TextOutput {
  write(text: string): unknown
  /** If true, it is a terminal. */
  readonly isTTY?: boolean
}

/** A message of a worker of `dev` to its supervisor. */
export type WorkerMessage =
  /** A file of the agent's own is about to be loaded: a change of it calls for a reload. */
  | { readonly type: "file"; readonly path: string }
  /** The agent's files are loaded, and the worker waits until it may serve. */
  | { readonly type: "loaded" }
  | {
      readonly type: "listening"
      readonly url: string
      readonly port: number
      readonly consoleUrl: string | null
    }

/** A message of the supervisor to its worker. */
export type SupervisorMessage = "serve" | "stop"
