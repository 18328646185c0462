import { GatewayError } from "../../../core/errors.ts"
import type { EventEntry } from "../../../core/log/entries.ts"
import type { ReadEvents } from "../../../core/log/session-fold.ts"
import type { Logger } from "../../../core/ports/logger.ts"
import type { PluginParts } from "../../../core/ports/plugin.ts"
import type { EventPage } from "../../../core/ports/store/subscriptions.ts"
import { extractStateUpdate } from "../../../platform/state-files/state-update.ts"
import { findStatefulSkill } from "../agent-skills.ts"
import type { SessionSkills } from "../loaded-skills.ts"
import type { SkillSource } from "../skill-source.ts"
import type { SkillStateStore } from "./skill-state-store.ts"

export interface SaveUpdatesParts {
  readonly state: SkillStateStore
  readonly sessionSkills: SessionSkills
  readonly source: SkillSource
  readonly readEvents: ReadEvents
  readonly logger: Logger
}

/** Maximum milliseconds for one page of events, including the wait for other writers of the file. */
const timeoutMs = 30_000

/** Creates the subscriber that saves the skills' state updates from sessions. */
export function createStateSubscriber(parts: SaveUpdatesParts): NonNullable<PluginParts["subscriber"]> {
  return { timeoutMs, onEvents: (page, { signal }) => saveStateUpdates(parts, page, signal) }
}

/**
 * Merges the state updates in a session's final responses. Each belongs to the last loaded skill with `persist_state`
 * before it, or else to the skill by which the sub-agent works. An update that can never be saved is logged. A
 * transient failure rejects, so that the caller retries.
 */
async function saveStateUpdates(
  parts: SaveUpdatesParts,
  { sessionId, entries }: EventPage,
  signal: AbortSignal,
): Promise<void> {
  const { state, sessionSkills, logger } = parts
  for (const entry of entries) {
    const { seq, event } = entry
    if (event.type !== "messageCompleted") continue
    const { content } = event.message
    // A response with tool calls is not the last response of its run.
    if (content.some((part) => part.type === "toolCall")) continue
    const text = content.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("")
    const found = extractStateUpdate(text, { requiresHeading: true })
    if (found.type === "none") continue
    const loaded = await sessionSkills(sessionId, { signal, upToSeq: seq })
    const last = loaded.findLast(({ persistState }) => persistState)
    const skill = last?.name ?? (await findSkillOfSubAgent(parts, sessionId, entry))
    if (skill === null) continue
    const fields = { sessionId, skill }
    if (found.type === "invalid") {
      logger.warn({ ...fields, problem: found.problem }, "A state update of a skill was not saved.")
      continue
    }
    try {
      await state.merge(skill, found.update, { signal })
    } catch (error) {
      if (!(error instanceof GatewayError) || error.retryable) throw error
      logger.warn({ ...fields, problem: error.message }, "A state update of a skill was not saved.")
    }
  }
}

/** Resolves to the name of the skill by which the run works, if the run is a sub-agent's and the skill has a state. */
async function findSkillOfSubAgent(
  { source, readEvents }: SaveUpdatesParts,
  sessionId: string,
  { runId }: EventEntry,
): Promise<string | null> {
  // The session of a sub-agent has one run, and begins with its start.
  const [first] = await readEvents(sessionId, 0)
  if (first?.event.type !== "runStarted" || first.runId !== runId) return null
  return findStatefulSkill(await source.current(), first.event.role ?? null)?.name ?? null
}
