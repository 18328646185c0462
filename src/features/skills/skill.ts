import type { JsonObject } from "../../core/json/json.ts"

/** A skill at the time of loading. Later changes of its files have no effect. */
export interface Skill {
  readonly name: string
  /** Describes the skill and when to use it. */
  readonly description: string
  /** Absolute path of `NAME.md` or `NAME/SKILL.md`. */
  readonly file: string
  /** Instructions: the Markdown after the front matter. */
  readonly body: string
  readonly license: string | null
  readonly compatibility: string | null
  /** Patterns of the tools that may be called while the skill is loaded. Null if it has no `allowed-tools`. */
  readonly allowedTools: readonly string[] | null
  readonly version: string | null
  /** Named groups of tools that may be called as well. */
  readonly toolPacks: readonly string[]
  /** Tools that may not be called while the skill is loaded. */
  readonly extraExcludedTools: readonly string[]
  /** If true, the skill expects to ask the user questions. */
  readonly interactive: boolean
  readonly scope: string | null
  /** If true, the skill has a state that persists from run to run. */
  readonly persistState: boolean
  /** Settings for a sub-agent with this skill. */
  readonly agent: SkillAgent
  /** The front matter's `metadata`, without the fields above. */
  readonly metadata: JsonObject
  /** The other files of its folder, in the order of their paths. Empty for `NAME.md`. */
  readonly files: readonly SkillFile[]
  /** Differs if one of its files differs. */
  readonly digest: string
}

export interface SkillAgent {
  readonly callable: boolean
  readonly description: string | null
  readonly model: string | null
  readonly provider: string | null
  readonly maxTurns: number | null
  readonly timeoutSeconds: number | null
  readonly maxBudgetUsd: number | null
  /** Names of MCP servers. Null for those of the calling agent. */
  readonly mcpServers: readonly string[] | null
}

export interface SkillFile {
  /** Relative to the skill's folder, with forward slashes. */
  readonly path: string
  readonly content: Uint8Array
}

/** A reason why a skill was not loaded. */
export interface SkillMistake {
  readonly file: string
  /** Null if the mistake is not in a field of the front matter. */
  readonly field: string | null
  /** A full sentence. */
  readonly rule: string
  /** A full sentence about how to fix it. */
  readonly remedy: string
  /** Origin of the rule: the specification at https://agentskills.io, or the gateway. */
  readonly source: "specification" | "gateway"
}

export interface SkillSet {
  /** Skills in the order of their folders, then of their names. */
  readonly skills: readonly Skill[]
  readonly mistakes: readonly SkillMistake[]
}

/** Writes a mistake as one line. */
export function describeMistake({ file, field, rule, remedy }: SkillMistake): string {
  return `${file}: ${field === null ? "" : `${field}: `}${rule} ${remedy}`
}
