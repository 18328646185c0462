import type { PluginParts } from "../core/ports/plugin.ts"
import type { SubAgentOptions } from "./options.ts"

type Hook = NonNullable<SubAgentOptions["onBackgroundComplete"]>

/** Milliseconds that the hook may take for one page of events. */
const timeoutMs = 30_000

/** Calls the hook for each end of a background task. */
export function backgroundSubscriber(hook: Hook): NonNullable<PluginParts["subscriber"]> {
  return {
    timeoutMs,
    async onEvents({ sessionId, entries }, { signal, handled }) {
      for (const { event, seq } of entries) {
        if (event.type === "taskEnded") {
          const { taskId, name: agent, outcome } = event
          await hook({ sessionId, taskId, agent, outcome }, { signal })
        }
        handled(seq)
      }
    },
  }
}
