import type { Logger } from "../../core/ports/logger.ts"
import type { Subscriber } from "../../core/ports/store/subscriptions.ts"
import type { OpenedPlugin } from "./open-plugins.ts"

/** Maximum attempts for the first event of a page. After that, the event is skipped. */
const maxAttempts = 15

/** Returns the subscribers of an agent's plugins. Their names contain the names of the agent and the plugin. */
export function collectSubscribers(
  agent: string,
  plugins: readonly OpenedPlugin[],
  logger: Logger,
): readonly Subscriber[] {
  return plugins.flatMap(({ name: plugin, parts: { subscriber } }) => {
    if (subscriber === undefined) return []
    return {
      name: `plugin:${agent}:${plugin}`,
      timeoutMs: subscriber.timeoutMs,
      async onEvents(page, context) {
        try {
          await subscriber.onEvents(page, context)
        } catch (error) {
          if (context.attempt < maxAttempts || context.signal.aborted) throw error
          const [first] = page.entries
          logger.error(
            { error, plugin, sessionId: page.sessionId, seq: first.seq, attempts: context.attempt },
            "A plugin failed too often for the same event. It does not receive this event again.",
          )
          context.handled(first.seq)
        }
      },
      // The caller logs the gap.
      onGap: () => undefined,
    } satisfies Subscriber
  })
}
