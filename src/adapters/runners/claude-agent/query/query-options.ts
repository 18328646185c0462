import { omitUndefined } from "../../../../core/defined-only.ts"
import type { CallGate } from "../calls/call-gate.ts"
import { serverName, toSdkName } from "../calls/tool-server.ts"
import type { ResolvedClaudeAgentOptions } from "../options.ts"
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

/**
 * Returns the complete environment of Claude Code. It contains nothing from the gateway's environment, because the
 * built-in tools could show that to the model.
 */
function createEnvironment(
  { config, home, temporary }: SessionFolder,
  own: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  return {
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    LANG: "C.UTF-8",
    // Commands do not receive the API keys of Claude Code.
    CLAUDE_CODE_SUBPROCESS_ENV_SCRUB: "1",
    // The default would retry a refused model call for minutes.
    CLAUDE_CODE_MAX_RETRIES: "4",
    ...own,
    HOME: home,
    TMPDIR: temporary,
    CLAUDE_CODE_TMPDIR: temporary,
    CLAUDE_CONFIG_DIR: config,
    // Claude Code calls only the model provider.
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    DISABLE_AUTOUPDATER: "1",
    // The model receives only the conversation and the options.
    CLAUDE_CODE_DISABLE_AUTO_MEMORY: "1",
    CLAUDE_CODE_DISABLE_CLAUDE_MDS: "1",
    CLAUDE_CODE_DISABLE_BUNDLED_SKILLS: "1",
    CLAUDE_CODE_DISABLE_FILE_MENTIONS: "1",
    // All tools are in the prompt, so that the model calls them directly instead of a search tool.
    ENABLE_TOOL_SEARCH: "false",
    // A call ends with its result, so no work may continue in the background.
    CLAUDE_CODE_DISABLE_BACKGROUND_TASKS: "1",
    CLAUDE_CODE_DISABLE_CRON: "1",
    // The gateway itself limits the time of its tools' calls.
    MCP_TOOL_TIMEOUT: "2000000000",
  }
}
