import type { SessionFolder } from "./session-folder.ts"

/**
 * Returns the whole environment of Claude Code. Nothing of the gateway's own is in it, because the built-in tools could
 * show it to the model.
 */
export function environmentOf(
  { config, home, temporary }: SessionFolder,
  own: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  return {
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    LANG: "C.UTF-8",
    // Commands do not get the keys that Claude Code has.
    CLAUDE_CODE_SUBPROCESS_ENV_SCRUB: "1",
    // By default, it would try a call that was refused for minutes.
    CLAUDE_CODE_MAX_RETRIES: "4",
    ...own,
    HOME: home,
    TMPDIR: temporary,
    CLAUDE_CODE_TMPDIR: temporary,
    CLAUDE_CONFIG_DIR: config,
    // Only the model's service is called.
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    DISABLE_AUTOUPDATER: "1",
    // Only what the conversation and the options say reaches the model.
    CLAUDE_CODE_DISABLE_AUTO_MEMORY: "1",
    CLAUDE_CODE_DISABLE_CLAUDE_MDS: "1",
    CLAUDE_CODE_DISABLE_BUNDLED_SKILLS: "1",
    CLAUDE_CODE_DISABLE_FILE_MENTIONS: "1",
    // All tools are in the prompt, so that a call is the call of a tool and not of a search.
    ENABLE_TOOL_SEARCH: "false",
    // A call is over when its result is there.
    CLAUDE_CODE_DISABLE_BACKGROUND_TASKS: "1",
    CLAUDE_CODE_DISABLE_CRON: "1",
    // The gateway bounds the calls of its tools itself.
    MCP_TOOL_TIMEOUT: "2000000000",
  }
}
