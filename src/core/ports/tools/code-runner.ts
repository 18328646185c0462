import type { CodeLanguage, ReadOnlyFolder, SandboxHost } from "./sandbox.ts"
import type { ToolContext, ToolResult } from "./tool.ts"

/** Runs code for other tools, in the sandbox of the session and with the limits of the agent's code execution. */
export interface CodeRunner {
  /** The backends that run code. The first one is in use. */
  readonly hosts: readonly SandboxHost[]
  /** Maximum milliseconds that a call may request for its code. */
  readonly maxTimeoutMs: number
  /**
   * Milliseconds that a tool call may take in addition to the code's time, to wait for its turn and for the start of
   * a container.
   */
  readonly overheadMs: number
  /**
   * Runs code to its end on the host in use. Resolves to the report that `code_execute` returns. Rejects with the
   * reason of the context's signal, or with a `GatewayError` if the code cannot be started.
   */
  run(request: CodeRequest, context: ToolContext): Promise<ToolResult>
}

export interface CodeRequest {
  readonly language: CodeLanguage
  readonly code: string
  readonly folders: readonly ReadOnlyFolder[]
  /** Default: the agent's setting for code execution. */
  readonly timeoutMs?: number
  /** Maximum bytes of the report. */
  readonly maxResultBytes: number
}
