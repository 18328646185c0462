import type { EventEntry } from "../../core/log/entries.ts"
import type { PluginParts } from "../../core/ports/plugin.ts"
import { plainName } from "./choose-worker.ts"
import type { ResolvedSubAgentOptions } from "./options.ts"
import type { SaveOutput } from "./outputs.ts"

/** Maximum milliseconds of the hook for one page of events. */
const timeoutMs = 30_000

/** Calls the hook for each end of a background task, and saves its output. Null if neither is configured. */
export function createBackgroundSubscriber(
  { onBackgroundComplete: hook, agents }: ResolvedSubAgentOptions,
  save: SaveOutput | null,
): NonNullable<PluginParts["subscriber"]> | null {
  if (hook === undefined && save === null) return null
  const receive = async (sessionId: string, { event, at }: EventEntry, signal: AbortSignal) => {
    if (event.type !== "taskEnded") return
    const { taskId, name, toolCallId: id, outcome } = event
    const isSkill = name !== plainName && name !== "" && !agents.includes(name)
    if (isSkill && outcome.outcome === "completed") {
      await save?.({ skill: name, id, response: outcome.response, at })
    }
    await hook?.({ sessionId, taskId, agent: name, outcome }, { signal })
  }
  return {
    timeoutMs,
    async onEvents({ sessionId, entries }, { signal, handled }) {
      for (const entry of entries) {
        await receive(sessionId, entry, signal)
        handled(entry.seq)
      }
    },
  }
}
