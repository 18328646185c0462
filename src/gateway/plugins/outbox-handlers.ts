import type { OutboxHandler, OutboxHandlers } from "../../core/ports/store/outbox.ts"
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
      ([kind, handler]) => [toStoredKind({ agent, plugin, kind }), handler] as const,
    ),
  )
}

/** Joins the handlers of all agents. */
export function joinOutboxHandlers(
  agents: readonly { readonly outbox: readonly (readonly [string, OutboxHandler])[] }[],
): OutboxHandlers {
  return new Map(agents.flatMap(({ outbox }) => outbox))
}
