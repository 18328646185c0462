import { GatewayError } from "../../core/errors.ts"
import type { Logger } from "../../core/ports/logger.ts"
import type { PluginParts } from "../../core/ports/plugin.ts"
import type { EventPage } from "../../core/ports/store/subscriptions.ts"
import { extractStateUpdate } from "../../state-files/state-update.ts"
import type { SessionSkills } from "../session-skills.ts"
import type { SkillStateStore } from "./skill-state-store.ts"

export interface SaveUpdatesParts {
  readonly state: SkillStateStore
  readonly sessionSkills: SessionSkills
  readonly logger: Logger
}

/** Maximum milliseconds for one page of events, including the wait for other writers of the file. */
const timeoutMs = 30_000

/** Creates the subscriber that saves the skills' state updates from sessions. */
export function stateSubscriber(parts: SaveUpdatesParts): NonNullable<PluginParts["subscriber"]> {
  return { timeoutMs, onEvents: (page, { signal }) => saveStateUpdates(parts, page, signal) }
}

/**
 * Merges the state updates in a session's final responses. Each belongs to the last loaded skill with `persist_state`
 * before it. An update that can never be saved is logged. A transient failure rejects, so that the caller retries.
 */
async function saveStateUpdates(
  { state, sessionSkills, logger }: SaveUpdatesParts,
  { sessionId, entries }: EventPage,
  signal: AbortSignal,
): Promise<void> {
  for (const { seq, event } of entries) {
    if (event.type !== "messageCompleted") continue
    const { content } = event.message
    // A response with tool calls is not the last response of its run.
    if (content.some((part) => part.type === "toolCall")) continue
    const text = content.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("")
    const found = extractStateUpdate(text)
    if (found.type === "none") continue
    const loaded = await sessionSkills(sessionId, { signal, upToSeq: seq })
    const skill = loaded.findLast(({ persistState }) => persistState)
    if (skill === undefined) continue
    const fields = { sessionId, skill: skill.name }
    if (found.type === "invalid") {
      logger.warn({ ...fields, problem: found.problem }, "A state update of a skill was not saved.")
      continue
    }
    try {
      await state.merge(skill.name, found.update, { signal })
    } catch (error) {
      if (!(error instanceof GatewayError) || error.retryable) throw error
      logger.warn({ ...fields, problem: error.message }, "A state update of a skill was not saved.")
    }
  }
}
