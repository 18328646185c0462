import type { Difference } from "./differences.ts"

/** A difference that the migration page announces. */
export interface AllowedDifference {
  /** Path of the difference. `*` is one member, and `a|b` one of the two members. */
  readonly path: string
  /** Names of the scripts. Default: all. */
  readonly scripts?: readonly string[]
  /** Texts in the JSON of the values. Default: any value. */
  readonly original?: string
  readonly here?: string
  /** Text of `docs/migration.md` that announces the difference: a sentence, or the beginning of a row. */
  readonly page: string
}

const own = "run_agent|get_background_result|code_execute|code_execute_status"
const none = "(nothing)"

export const allowedDifferences: readonly AllowedDifference[] = [
  {
    path: "model",
    scripts: ["plain"],
    original: "claude-sonnet-4-6",
    here: "claude-sonnet-5-5",
    page: "| default model |",
  },
  {
    path: "messages.*.content.*.cache_control",
    original: none,
    here: "ephemeral",
    page: "| prompt caching |",
  },
  {
    path: "messages.*.content.*.content.0.text",
    scripts: ["tools"],
    original: '{"error":{"code":"not_found","message":"There is no such order."}}',
    here: '"not_found: There is no such order."',
    page: "| error of a tool, as the model receives it |",
  },

  // Tools of both packages.
  { path: `tools.${own}.description`, page: "| definitions of the tools of the package |" },
  {
    path: `tools.${own}.input_schema.properties.*.description`,
    page: "| definitions of the tools of the package |",
  },
  {
    path: `tools.${own}.input_schema.properties.*.default`,
    here: none,
    page: "| definitions of the tools of the package |",
  },
  {
    path: `tools.${own}.input_schema.additionalProperties`,
    original: none,
    here: "false",
    page: "| definitions of the tools of the package |",
  },
  {
    path: "tools.run_agent|code_execute.input_schema.properties.task|code.minLength",
    original: none,
    here: "1",
    page: "| definitions of the tools of the package |",
  },
  {
    path: "tools.get_background_result.input_schema.properties.timeout.type",
    original: "number",
    here: "integer",
    page: "| definitions of the tools of the package |",
  },
  {
    path: "tools.get_background_result.input_schema.properties.timeout.minimum|maximum",
    original: none,
    page: "| definitions of the tools of the package |",
  },
  {
    path: "tools.run_agent.input_schema.properties.agent",
    scripts: ["sub-agents"],
    here: none,
    page: "| input `agent` of `run_agent` |",
  },
  {
    path: "tools.run_agent.input_schema.properties.model",
    here: none,
    page: "| model of a sub-agent |",
  },

  // Skills and sub-agents.
  {
    path: "tools.load_skill|unload_skill|read_skill_file",
    scripts: ["skill"],
    original: none,
    page: "| further tools of the model |",
  },
  { path: "tools.send_message|cancel_task", original: none, page: "| further tools of the model |" },
  {
    path: "system.1",
    scripts: ["skill"],
    original: none,
    here: "# Skills",
    page: "| further tools of the model |",
  },
  {
    path: "system.0.text",
    scripts: ["skill"],
    original: "Today's date: <date>",
    here: '"You handle returns. Be brief."',
    page: "| a sub-agent with a skill |",
  },
  {
    path: "system.2",
    scripts: ["skill"],
    original: none,
    here: "You work as a sub-agent",
    page: "| a sub-agent with a skill |",
  },
  {
    path: "system.0.text",
    scripts: ["sub-agents"],
    original: "Today's date: <date>",
    here: '"You look after a shop."',
    page: "| a sub-agent without a skill |",
  },
  {
    path: "system.1",
    scripts: ["sub-agents"],
    original: none,
    here: "You work as a sub-agent",
    page: "| a sub-agent without a skill |",
  },
  {
    path: "max_tokens",
    scripts: ["skill", "sub-agents"],
    original: "32000",
    here: "16000",
    page: "| turns, time and tokens of a sub-agent |",
  },
  {
    path: "messages.*.content.*.content.0.text.agent|outcome",
    scripts: ["skill", "sub-agents"],
    original: none,
    page: "| result of `run_agent` |",
  },
  {
    path: "messages.*.content.0.content.0.text.task_id|status|elapsed_seconds|response|tools_used|usage",
    scripts: ["sub-agents"],
    here: none,
    page: "| result of `get_background_result` |",
  },
  {
    path: "messages.*.content.0.content.0.text.results|running",
    scripts: ["sub-agents"],
    original: none,
    page: "| result of `get_background_result` |",
  },
  {
    path: "messages.*.content.1",
    scripts: ["sub-agents"],
    original: none,
    here: "your background tasks",
    page: "| note about open background tasks |",
  },

  // Runs without a server.
  {
    path: "max_tokens",
    scripts: ["budget"],
    original: "16000",
    page: "| `max_budget_usd` |",
  },
  { path: "", scripts: ["budget"], here: none, page: "| `max_budget_usd` |" },
  {
    path: "messages.0.content.1",
    scripts: ["state"],
    original: none,
    here: "## STATE",
    page: "| the state in `state_dir` |",
  },

  // Code.
  {
    path: "tools.code_execute.input_schema.properties.timeout_ms.minimum|maximum",
    page: "| time limits of code |",
  },
  {
    path: "tools.code_execute.input_schema.properties.language",
    original: none,
    page: "| languages of `code_execute` |",
  },
  {
    path: "messages.*.content.0.content.0.text.images.0.filename|data_base64|path",
    page: "| images of a result |",
  },
  {
    path: "messages.*.content.0.content.1",
    scripts: ["code with a plot"],
    original: none,
    here: "image/png",
    page: "| images of a result |",
  },
  {
    path: "messages.*.content.0.content.0.text.files|ended_by",
    scripts: ["code with a plot"],
    original: none,
    page: "| result of `code_execute` |",
  },
]

/** Returns true if the entry covers the difference in this script. */
export function isCovered(difference: Difference, script: string, by: AllowedDifference): boolean {
  return (
    (by.scripts?.includes(script) ?? true) &&
    matches(split(difference.path), split(by.path)) &&
    difference.original.includes(by.original ?? "") &&
    difference.here.includes(by.here ?? "")
  )
}

function split(path: string): readonly string[] {
  return path === "" ? [] : path.split(".")
}

function matches(path: readonly string[], pattern: readonly string[]): boolean {
  const [member, ...members] = path
  const [first, ...rest] = pattern
  if (first === undefined) return member === undefined
  if (member === undefined) return false
  return (first === "*" || first.split("|").includes(member)) && matches(members, rest)
}

/** Returns the line of the page that has the text, or null. */
export function findOnPage(page: string, text: string): string | null {
  const index = page.indexOf(text)
  if (index === -1) return null
  return page.slice(page.lastIndexOf("\n", index) + 1, page.indexOf("\n", index + text.length))
}
