import type { Readable, Writable } from "node:stream"
import type { JsonObject } from "../../../core/json/json.ts"

/** The part of the parameters of `query` that the adapter uses. */
export interface QueryParameters {
  readonly prompt: AsyncIterable<SdkUserMessage>
  readonly options: QueryOptions
}

export interface SdkUserMessage {
  readonly type: "user"
  readonly message: { readonly role: "user"; readonly content: readonly JsonObject[] }
  readonly parent_tool_use_id: null
  readonly uuid: string
}

export interface QueryOptions {
  readonly abortController: AbortController
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  readonly sessionId?: string
  readonly resume?: string
  readonly systemPrompt: { readonly type: "custom"; readonly prompt: string; readonly snapshot: false }
  readonly model?: string
  readonly fallbackModel?: string
  readonly thinking?: object
  readonly effort?: string
  readonly maxTurns?: number
  readonly maxBudgetUsd?: number
  readonly tools: readonly string[]
  readonly mcpServers: Readonly<Record<string, SdkMcpServer>>
  readonly strictMcpConfig: true
  readonly settingSources: readonly []
  readonly settings: object
  readonly skills: readonly []
  readonly plugins: readonly []
  readonly verbatimPrompts: true
  readonly includePartialMessages: true
  readonly permissionMode: "default"
  readonly canUseTool: CanUseTool
  readonly hooks: { readonly PreToolUse: readonly HookMatcher[] }
  readonly spawnClaudeCodeProcess: (options: SpawnOptions) => SpawnedProcess
}

export interface HookMatcher {
  readonly hooks: readonly ((input: object) => Promise<object>)[]
  /** Time limit in seconds. */
  readonly timeout: number
  /** `block`: a hook that fails blocks the call. */
  readonly onFailure: "block"
}

export type CanUseTool = (
  name: string,
  input: object,
  options: { readonly toolUseID: string },
) => Promise<
  | { readonly behavior: "allow"; readonly updatedInput: JsonObject }
  | { readonly behavior: "deny"; readonly message: string }
>

/** An MCP server in this process. The SDK connects it with a transport to Claude Code. */
export interface SdkMcpServer {
  readonly type: "sdk"
  readonly name: string
  readonly alwaysLoad: true
  readonly instance: { connect(transport: SdkTransport): Promise<void>; close(): Promise<void> }
}

export interface SdkTransport {
  onmessage?: (message: object) => void
  start(): Promise<void>
  send(message: object): Promise<void>
}

export interface SpawnOptions {
  readonly command: string
  readonly args: readonly string[]
  readonly cwd?: string
  readonly env: Readonly<Record<string, string | undefined>>
}

export interface SpawnedProcess {
  readonly stdin: Writable
  readonly stdout: Readable
  readonly killed: boolean
  readonly exitCode: number | null
  kill(signal: string): boolean
  on(event: string, listener: (...values: unknown[]) => void): void
  once(event: string, listener: (...values: unknown[]) => void): void
  off(event: string, listener: (...values: unknown[]) => void): void
}
