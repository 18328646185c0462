import { GatewayError } from "../../../core/errors.ts"
import type { OutboxItem } from "../../../core/ports/store/outbox.ts"

/** Maximum bytes of an item, because a dispatcher holds several items at once. */
export const maxItemBytes = 1_000_000

export function createSessionTooLarge(maxBytes: number): GatewayError {
  return new GatewayError(
    { code: "session_too_large", status: 413 },
    `The session stores more than ${maxBytes} bytes, so this run cannot continue. Start a new session.`,
  )
}

export function createItemTooLarge({ id, kind }: OutboxItem): GatewayError {
  return new GatewayError(
    { code: "outbox_item_too_large", status: 413 },
    `The outbox item ${id} (${kind}) has more than ${maxItemBytes} bytes. Store the content ` +
      "elsewhere and send a reference.",
  )
}
