import type { TextPart } from "../../../core/history/messages.ts"
import type { Tool } from "../../../core/ports/tools/tool.ts"
import { createFailure, defineTool } from "../../../core/tools/define-tool.ts"
import { findSkill } from "../find-skill.ts"
import { createLoadedHeader, loadSkillName, unloadSkillName } from "../loaded-skills.ts"
import type { Skill } from "../skill.ts"
import type { SkillStateStore } from "../state/skill-state-store.ts"
import { writeStateNote } from "../state/state-note.ts"
import { computeToolLimits, type ToolPacks } from "../tool-packs.ts"
import { createTextPage } from "./text-page.ts"
import { createUnknownSkillResult } from "./unknown-skill.ts"

/** Maximum number of paths that are listed with the instructions. */
const maxListedFiles = 100
/** Bytes reserved for the note at the end of a page. */
const marginBytes = 200
const minPageBytes = 200

export interface LoadSkillParts {
  readonly skills: ReadonlyMap<string, Skill>
  readonly packs: ToolPacks
  /** Null if the agent has no state file. */
  readonly state: SkillStateStore | null
  /** Maximum bytes of one result. */
  readonly maxResultBytes: number
}

/**
 * Creates the tool that gives the model a skill's instructions. From then on its limits on tools apply. They are in
 * the result, and therefore in the log.
 */
export function loadSkillTool({ skills, packs, state, maxResultBytes }: LoadSkillParts): Tool {
  return defineTool({
    name: loadSkillName,
    description:
      "Loads a skill: returns its instructions, its limits on tools, and the paths of its files. " +
      "Call it before you start a " +
      "task that matches the skill's description.",
    properties: { name: { type: "string", description: "Name of the skill." } },
    required: ["name"],
    readOnly: true,
    needsApproval: false,
    async execute({ name }, { logger }) {
      const skill = findSkill(skills, String(name))
      if (skill === undefined) return createUnknownSkillResult(skills, String(name))
      const header = JSON.stringify(createLoadedHeader(skill, computeToolLimits(skill, packs)))
      const texts = [header, ...formatFilesNote(skill), ...formatInteractionNote(skill)]
      if (skill.persistState && state !== null) {
        texts.push(await writeStateNote(skill.name, { state, logger }))
      }
      const room = maxResultBytes - texts.reduce((sum, text) => sum + Buffer.byteLength(text), marginBytes)
      // A truncated header would remove the limits.
      if (room < minPageBytes) {
        return createFailure(
          "result_too_large",
          `The skill ${skill.name} cannot be loaded: its limits, state and list of files leave no ` +
            "room for its instructions. " +
            "Tell the user.",
        )
      }
      const page = createTextPage(skill.body, 0, room)
      texts.push(page.text)
      if (page.nextOffset !== null) {
        texts.push(
          `[Call read_skill_file with the path SKILL.md and the offset ${page.nextOffset} for the ` +
            "rest of the instructions.]",
        )
      }
      return { type: "content", content: texts.map((text): TextPart => ({ type: "text", text })) }
    },
  })
}

function formatFilesNote({ files }: Skill): readonly string[] {
  if (files.length === 0) return []
  const paths = files.slice(0, maxListedFiles).map(({ path }) => path)
  const more = files.length > paths.length ? ` and ${files.length - paths.length} more` : ""
  return [`Files of this skill, for read_skill_file: ${paths.join(", ")}${more}.`]
}

function formatInteractionNote({ interactive }: Skill): readonly string[] {
  return interactive
    ? ["This skill is interactive: ask the user whenever its instructions require an answer."]
    : []
}

/** Creates the tool that removes the limits of a skill. An interceptor decides when that is allowed. */
export function unloadSkillTool(): Tool {
  return defineTool({
    name: unloadSkillName,
    description:
      "Unloads a skill whose task is done, so that its limits on tools end. A skill that limits " +
      "tools can only be unloaded after " +
      "a further message of the user.",
    properties: { name: { type: "string", description: "Name of the skill." } },
    required: ["name"],
    idempotent: true,
    needsApproval: false,
    execute: async ({ name }) => ({ type: "json", value: { unloaded: String(name) } }),
  })
}
