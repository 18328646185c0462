import type { Readable } from "node:stream"
import type { styleText } from "node:util"

/** Everything that the command line needs from its process, so that tests can stand in for one. */
export interface ProcessContext {
  /** Arguments behind the program's name. */
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly stdin: Readable & { readonly isTTY?: boolean }
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
  readonly stdout: CliOutput
  readonly stderr: CliOutput
  /** Standard output for text that the model wrote: escaped for a terminal, unchanged for a file or a pipe. */
  readonly answerOutput: TextOutput
}

export interface TextOutput {
  write(text: string): unknown
  /** If true, it is a terminal. */
  readonly isTTY?: boolean
  /** Width of the terminal in characters. */
  readonly columns?: number | undefined
  /** Returns true if the terminal shows colors and the environment does not turn them off. */
  hasColors?(): boolean
}

/** A name of a color or a style, as `util.styleText` of Node takes it. */
export type TextStyle = Extract<Parameters<typeof styleText>[0], string>

export interface CliOutput extends TextOutput {
  /** Writes the text in a style where the output is a terminal with colors, and as it is elsewhere. */
  writeStyled(style: TextStyle, text: string): unknown
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
      readonly apiUrl: string
      readonly port: number
      readonly consoleUrl: string | null
    }

/** A message of the supervisor to its worker. */
export type SupervisorMessage = "serve" | "stop"
