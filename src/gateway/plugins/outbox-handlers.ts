import { sessionRemovedKind } from "../../core/ports/plugin.ts"
import type { OutboxHandler, OutboxHandlers, RemovedSession } from "../../core/ports/store/outbox.ts"
import type { OpenedPlugin } from "./open-plugins.ts"

/** Returns the kind under which an item of a plugin is stored. Names contain no slash. */
export function toStoredKind(of: {
  readonly agent: string
  readonly plugin: string
  readonly kind: string
}): string {
  return `${of.agent}/${of.plugin}/${of.kind}`
}

/** Returns the handlers of an agent's plugins by the kind under which their items are stored. */
export function collectOutboxHandlers(
  agent: string,
  plugins: readonly OpenedPlugin[],
): readonly (readonly [string, OutboxHandler])[] {
  return plugins.flatMap(({ name: plugin, parts }) =>
    Object.entries(parts.outbox ?? {}).map(
      ([kind, handler]) =>
        [
          toStoredKind({ agent, plugin, kind }),
          kind === sessionRemovedKind ? forOwnSessions(agent, handler) : handler,
        ] as const,
    ),
  )
}

/** Drops the reports of sessions of other agents. */
function forOwnSessions(agent: string, handler: OutboxHandler): OutboxHandler {
  return {
    ...handler,
    async deliver(item, options) {
      // The store wrote the payload, so its form is known.
      const removed = item.payload as unknown as RemovedSession
      if (removed.agent === agent) await handler.deliver(item, options)
    },
  }
}

/** Returns the kinds of the items that report a removed session to the plugins. */
export function listRemovedSessionKinds(handlers: OutboxHandlers): readonly string[] {
  return [...handlers.keys()].filter((kind) => kind.endsWith(`/${sessionRemovedKind}`))
}

/** Joins the handlers of all agents. */
export function joinOutboxHandlers(
  agents: readonly { readonly outbox: readonly (readonly [string, OutboxHandler])[] }[],
): OutboxHandlers {
  return new Map(agents.flatMap(({ outbox }) => outbox))
}
