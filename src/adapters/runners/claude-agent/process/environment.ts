import type { SessionFolder } from "./session-folder.ts"

/**
 * Returns the complete environment of Claude Code. It contains nothing from the gateway's environment, because the
 * built-in tools could show that to the model.
 */
export function createEnvironment(
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
