import type { SandboxState, SessionSandbox } from "./sandbox-state.ts"

/** Environments that run the code of sessions. Each process has one. The sessions' files outlive it. */
export interface Sandboxes extends SandboxReports {
  /** The backends that are allowed and work on this machine, in the order of preference. Never empty. */
  readonly hosts: readonly SandboxHost[]
  /**
   * Returns the session's sandbox. Its working directory is created at the first use and exists as long as the
   * session.
   */
  open(session: SandboxSession): Promise<Sandbox>
  /** Returns the files of the session's sandbox. Null if the session never used it. */
  find(sessionId: string): Promise<SandboxFiles | null>
}

/** Reports for operators about the code that runs and the sandboxes of the sessions. */
export interface SandboxReports {
  state(): Promise<SandboxState>
  /**
   * Returns the sandboxes that this process has used, each once: those of all executions, and of at most 10 000 other
   * sessions.
   */
  sessions(): readonly SessionSandbox[]
}

/** A session and its user, who shares the executions of this process with other users. */
export interface SandboxSession {
  readonly id: string
  readonly tenant: string
  readonly userId: string
}

export type SandboxName = "docker" | "bubblewrap" | "subprocess"
export type CodeLanguage = "python" | "javascript" | "shell"

export interface SandboxHost {
  readonly name: SandboxName
  /**
   * If false, code can read the host's files and reach its network, so a person must allow each call.
   */
  readonly sandboxed: boolean
  /** Languages that the sandbox can run, as found by a trial run. */
  readonly languages: readonly CodeLanguage[]
}

/** Runs the code of one session, next to its files. */
export interface Sandbox extends SandboxFiles {
  /**
   * Runs code to its end. Yields its output as it arrives, then exactly one exit status. If the caller does not read
   * the output, the code waits. When the iteration stops, for any reason, the code ends with all its processes, and
   * nothing runs afterwards. Throws the signal's reason if the signal aborts. Throws a `GatewayError` if the code
   * cannot be started, or if the machine that runs it is lost.
   */
  exec(request: ExecRequest, options: { readonly signal: AbortSignal }): AsyncIterable<ExecEvent>
}

/** The files of one session. No other session can reach them. */
export interface SandboxFiles {
  /** Lists regular files of the working directory, at most `maxListedFiles`. */
  files(signal?: AbortSignal): Promise<readonly SandboxFile[]>
  /** Reads a regular file. Null if there is none. Follows no links and no path out of the working directory. */
  readFile(path: string): Promise<OpenedFile | null>
  /** Creates or replaces a file and the folders above it. Throws a `GatewayError` for a path that is not allowed. */
  writeFile(path: string, data: Uint8Array): Promise<void>
}

/** Maximum number of files in a listing of a working directory. */
export const maxListedFiles = 10_000

export interface ExecRequest {
  readonly host: SandboxName
  readonly language: CodeLanguage
  readonly code: string
  readonly timeoutMs: number
  /** Environment variables of this execution, in addition to those of all code. Default: none. */
  readonly env?: Readonly<Record<string, string>>
  /** Folders that the code can read and not change. At most 8. Default: none. */
  readonly folders?: readonly ReadOnlyFolder[]
}

/**
 * Files that code finds in a separate folder, outside its working directory. Each is readable and executable. A change
 * reaches no other execution. On a host that is not a sandbox, code can change its own copy unless the gateway runs as
 * root.
 */
export interface ReadOnlyFolder {
  /**
   * 1 to 32 lowercase letters, digits and hyphens, starting with a letter. Part of the folder's path as the code sees
   * it.
   */
  readonly name: string
  /** Environment variable with the folder's path: capital letters, digits and underscores, starting with a letter. */
  readonly variable: string
  readonly files: readonly ReadOnlyFile[]
}

export interface ReadOnlyFile {
  /** Relative to the folder, with forward slashes. */
  readonly path: string
  readonly content: Uint8Array
}

export type ExecEvent = OutputChunk | ExitStatus

export interface OutputChunk {
  readonly type: "output"
  readonly stream: "stdout" | "stderr"
  /** May end in the middle of a character. */
  readonly bytes: Uint8Array
}

export interface ExitStatus {
  readonly type: "exit"
  /** The exit code as a shell reports it: 128 plus the signal's number if a signal ended the code. */
  readonly exitCode: number
  readonly reason: ExitReason
  /** Files that were deleted because the working directory exceeded its quota. Left out if there are none. */
  readonly removed?: RemovedFiles
}

export interface RemovedFiles {
  readonly count: number
  /** Paths of the first removed files, relative to the working directory, at most 20. */
  readonly paths: readonly string[]
}

/** `exited`: the code ended by itself, successfully or not. The others name the limit that ended it. */
export type ExitReason = "exited" | "timeout" | "outOfMemory" | "diskFull"

export interface SandboxFile {
  /** Relative to the working directory, with forward slashes. */
  readonly path: string
  /** Size in bytes. */
  readonly size: number
  /** Differs if the content may differ. */
  readonly version: string
}

export interface OpenedFile {
  readonly size: number
  /** Yields at most `size` bytes. Closes the file at the end, even if the caller stops early. */
  readonly content: AsyncIterable<Uint8Array>
}
