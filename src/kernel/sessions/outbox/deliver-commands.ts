import type { Logger } from "../../../core/ports/logger.ts"
import type { CommandDelivery, Outbox } from "../../../core/ports/store/outbox.ts"

/** Maximum number of commands that one round moves, so that handlers get their turn. */
const maxCommands = 50

/** Makes the store move commands into the inboxes of their sessions. */
export async function deliverCommands(
  outbox: Outbox,
  { onCommand, logger }: { readonly onCommand: (sessionId: string) => void; readonly logger: Logger },
): Promise<void> {
  for (const delivery of await outbox.deliverCommands({ limit: maxCommands })) {
    if (delivery.result.type === "delivered") {
      if (delivery.to !== null) onCommand(delivery.to)
    } else report(delivery, logger)
  }
}

function report({ id, from, to, result }: CommandDelivery, logger: Logger): void {
  const fields = { item: id, sessionId: from, to, ...result }
  switch (result.type) {
    case "delivered":
      return
    case "retry":
      logger.debug(fields, "A command waits for its session.")
      return
    case "dropped":
      logger.info(fields, "A command arrived too late for its session and was dropped.")
      return
    case "dead":
      logger.error(
        fields,
        "A command could not be delivered and is dead. See `agent-gateway outbox list`, then retry or drop it.",
      )
      return
    default:
      result satisfies never
  }
}
