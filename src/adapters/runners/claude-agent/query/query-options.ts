import { omitUndefined } from "../../../../core/defined-only.ts"
import type { CallGate } from "../calls/call-gate.ts"
import { serverName, toSdkName } from "../calls/tool-server.ts"
import type { ResolvedClaudeAgentOptions } from "../options.ts"
import { createEnvironment } from "../process/environment.ts"
import type { SdkProcess } from "../process/sdk-process.ts"
import type { SessionFolder } from "../process/session-folder.ts"
import type { QueryOptions, SdkMcpServer } from "../sdk.ts"
import type { RunLimits } from "./run-limits.ts"

/** Maximum seconds of a hook, which waits until the call is in the log. */
const hookTimeout = 600

interface QueryParts {
  readonly folder: SessionFolder
  readonly cwd: string
  readonly gate: CallGate
  readonly server: SdkMcpServer
  readonly process: SdkProcess
  readonly abortController: AbortController
  readonly limits: RunLimits
}

/**
 * Returns the options of a query. They exclude the user's and the working directory's settings, hooks, plugins,
 * skills, memory and MCP servers.
 */
export function createQueryOptions(
  options: ResolvedClaudeAgentOptions,
  { folder, cwd, gate, server, process, abortController, limits }: QueryParts,
): QueryOptions {
  const { model, fallbackModel, thinking, effort } = options
  return {
    ...omitUndefined({ model, fallbackModel, thinking, effort, ...limits }),
    ...(folder.transcript === null ? { sessionId: folder.id } : { resume: folder.id }),
    abortController,
    cwd,
    env: createEnvironment(folder, options.env),
    // Without a snapshot, a changed prompt applies from the next run on, as it does for other agents.
    systemPrompt: { type: "custom", prompt: options.systemPrompt, snapshot: false },
    tools: options.builtInTools,
    mcpServers: options.tools.length === 0 ? {} : { [serverName]: server },
    strictMcpConfig: true,
    settingSources: [],
    settings: {
      permissions: {
        // Otherwise, Claude Code would execute some calls without asking: read-only commands, and commands in its
        // sandbox.
        ask: [...options.builtInTools, ...options.tools.map(({ name }) => toSdkName(name))],
        disableBypassPermissionsMode: "disable",
      },
      sandbox: { autoAllowBashIfSandboxed: false },
    },
    skills: [],
    plugins: [],
    // "/command" and "@file" in a user's message are plain text.
    verbatimPrompts: true,
    includePartialMessages: true,
    permissionMode: "default",
    canUseTool: gate.canUseTool,
    hooks: { PreToolUse: [{ hooks: [gate.hook], timeout: hookTimeout, onFailure: "block" }] },
    spawnClaudeCodeProcess: process.spawn,
  }
}
