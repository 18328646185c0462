import { isJsonObject, type JsonObject } from "../../core/json/json.ts"
import type { EventEntry } from "../../core/log/entries.ts"
import { createSessionFold, type ReadEvents, type SessionFold } from "../../core/log/session-fold.ts"
import type { ToolResult } from "../../core/ports/tools/tool.ts"
import { isAnnouncedRun } from "../../core/runs/background-task.ts"
import type { ToolLimits } from "../../core/tools/tool-limits.ts"
import type { Skill } from "./skill.ts"

export const loadSkillName = "load_skill"
export const unloadSkillName = "unload_skill"

/** A skill that a session has loaded, according to the session's log. Its limits are those at the time of loading. */
export interface LoadedSkill extends ToolLimits {
  readonly name: string
  /** Digest of the files at that time. */
  readonly digest: string
  readonly persistState: boolean
  /** If true, a message has started a run since it was loaded. An announcement of a background task does not count. */
  readonly hasNewMessage: boolean
}

/** The skills that a session has loaded, in the order of their loading. */
export type LoadedSkills = readonly LoadedSkill[]

/** Resolves to the skills that a session has loaded, according to its log. */
export type SessionSkills = SessionFold<LoadedSkills>

export function createSessionSkills(readEvents: ReadEvents): SessionSkills {
  return createSessionFold(readEvents, [], applyEntry)
}

/** Writes the first part of the result of `load_skill`, which `applyEntry` reads from the log. */
export function createLoadedHeader(
  { name, digest, persistState }: Skill,
  { allowed, excluded }: ToolLimits,
): JsonObject {
  return {
    skill: name,
    digest,
    ...(allowed !== null && { allowed_tools: allowed }),
    ...(excluded.length > 0 && { excluded_tools: excluded }),
    ...(persistState && { persist_state: true }),
  }
}

/**
 * Returns the loaded skills after an entry of the session's log. The result depends only on the log, so it is the
 * same in every process.
 */
function applyEntry(loaded: LoadedSkills, { event, runId }: EventEntry): LoadedSkills {
  // The client's own conversation does not contain the skills' instructions.
  if (event.type === "historyReplaced") return []
  if (event.type === "runStarted" && runId !== null && !isAnnouncedRun(runId))
    return loaded.map((skill) => ({ ...skill, hasNewMessage: true }))
  if (event.type !== "toolCallCompleted" || event.server !== null) return loaded
  if (event.name === loadSkillName) {
    const skill = readHeader(event.result)
    return skill === null ? loaded : [...loaded.filter(({ name }) => name !== skill.name), skill]
  }
  if (event.name === unloadSkillName) {
    const unloaded = event.result.type === "json" && isJsonObject(event.result.value) && event.result.value
    return unloaded ? loaded.filter(({ name }) => name !== unloaded.unloaded) : loaded
  }
  return loaded
}

function readHeader(result: ToolResult): LoadedSkill | null {
  if (result.type !== "content") return null
  const [first] = result.content
  if (first?.type !== "text") return null
  const header = parse(first.text)
  if (header === null || typeof header.skill !== "string") return null
  return {
    name: header.skill,
    digest: String(header.digest),
    allowed: Array.isArray(header.allowed_tools) ? header.allowed_tools.map(String) : null,
    excluded: Array.isArray(header.excluded_tools) ? header.excluded_tools.map(String) : [],
    persistState: header.persist_state === true,
    hasNewMessage: false,
  }
}

function parse(text: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(text)
    return isJsonObject(value) ? value : null
  } catch {
    return null
  }
}
