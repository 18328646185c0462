import type { Readable } from "node:stream"
import type { styleText } from "node:util"
import type { Gateway } from "../gateway/gateway.ts"

/** Everything that the command line needs from its process. Tests can replace it. */
export interface ProcessContext {
  /** Arguments after the program's name. */
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly stdin: Readable & { readonly isTTY?: boolean }
  readonly stdout: TextOutput
  readonly stderr: TextOutput
  /** Aborted with the signal's name as reason when the process must stop. */
  readonly signal: AbortSignal
  /** This program's file, with which `dev` starts its worker. */
  readonly program: string
  /** Sends a message to the supervisor. Only a worker of `dev` has one. */
  readonly report?: (message: WorkerMessage) => void
  /** Resolves when the supervisor lets its worker serve. Only a worker of `dev` has one. */
  readonly mayServe?: Promise<void>
}

/**
 * The process from the view of a command. Both outputs escape control characters, because most text comes from
 * outside.
 */
export interface CliContext extends ProcessContext {
  readonly stdout: CliOutput
  readonly stderr: CliOutput
  /** Standard output for the model's text: escaped for a terminal, unchanged for a file or a pipe. */
  readonly answerOutput: TextOutput
  /** Standard error for the log, whose lines are already escaped. */
  readonly logOutput: TextOutput
}

export interface TextOutput {
  write(text: string): unknown
  /** If true, the output is a terminal. */
  readonly isTTY?: boolean
  /** Width of the terminal in characters. */
  readonly columns?: number | undefined
  /** Returns true if the terminal shows colors and the environment does not turn them off. */
  hasColors?(): boolean
}

/** A name of a color or a style for `util.styleText` of Node. */
export type TextStyle = Extract<Parameters<typeof styleText>[0], string>

export interface CliOutput extends TextOutput {
  /** Writes the text in a style if the output is a terminal with colors, and unchanged otherwise. */
  writeStyled(style: TextStyle, text: string): unknown
}

/** A message of a worker of `dev` to its supervisor. */
export type WorkerMessage =
  /** One of the agent's own files is about to be loaded. A change of this file requires a reload. */
  | { readonly type: "file"; readonly path: string }
  /** The agent's files are loaded, and the worker waits until it may serve. */
  | { readonly type: "loaded" }
  | {
      readonly type: "listening"
      readonly url: string
      readonly apiUrl: string
      readonly port: number
      readonly consoleUrl: string | null
      readonly wires: Gateway["wires"]
    }

/** A message of the supervisor to its worker. */
export type SupervisorMessage = "serve" | "stop"
