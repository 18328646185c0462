import { z } from "zod"
import { declareOptions } from "../../platform/options/declare-options.ts"
import { texts } from "../../platform/options/schemas.ts"

/** Options of skills. All are optional. */
export interface SkillOptions {
  /**
   * Folder or folders with skills: files `NAME.md`, and folders `NAME/SKILL.md` by the specification at
   * https://agentskills.io. Relative to the working directory. Default: none.
   */
  readonly skillsDir?: string | readonly string[]
  /** Patterns of tools that may not be called while any skill is loaded. Default: none. */
  readonly skillsExcludedTools?: readonly string[]
  /**
   * File that keeps the state of skills with `persist_state`. It is created when the first state is saved. Default:
   * none.
   */
  readonly skillStateFile?: string
  /**
   * Groups of tools by the names that skills use in `tool_packs`. Each entry is a pattern of tools. Default: none.
   */
  readonly skillToolPacks?: Readonly<Record<string, readonly string[]>>
}

export const skillOptions = declareOptions<SkillOptions>()({
  skillsDir: z.union([z.string().min(1), texts.min(1)]).optional(),
  skillsExcludedTools: texts.default([]),
  skillStateFile: z.string().min(1).optional(),
  skillToolPacks: z.record(z.string().min(1), texts).default({}),
})
