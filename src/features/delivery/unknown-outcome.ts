import { toError, UndeliverableError } from "../../core/errors.ts"

/** Treatment of a message that may or may not have arrived, over a channel without ids. */
export type OnUnknown = "keep" | "resend"

/** Starts the reason of a dead row whose message may have arrived. */
export const unknownPrefix = "unknown:"

/** A message was sent, at least in part, and there was no reply, so it is unknown if it arrived. */
export class CutOffError extends Error {}

/**
 * Sends the parts of a message over a channel without ids. If a part may have arrived, or the parts before a failed
 * one did, the message is undeliverable, with a reason that starts with `unknown:`, unless it may be sent again.
 */
export async function sendParts<Part>(
  parts: readonly Part[],
  onUnknown: OnUnknown,
  send: (part: Part) => Promise<void>,
): Promise<void> {
  for (const [index, part] of parts.entries()) {
    try {
      await send(part)
    } catch (error) {
      const isUnknown = error instanceof CutOffError || index > 0
      if (!isUnknown || onUnknown === "resend") throw error
      const last = error instanceof CutOffError ? ", and the next one may have" : ""
      const what = `${index} of ${parts.length} messages arrived${last}`
      throw new UndeliverableError(`${unknownPrefix} ${what}: ${toError(error).message}`, { cause: error })
    }
  }
}

/** Refuses to send a message that an earlier attempt may have sent. */
export function refuseRepetition(interrupted: boolean, onUnknown: OnUnknown): void {
  if (!interrupted || onUnknown === "resend") return
  throw new UndeliverableError(
    `${unknownPrefix} the process ended while it sent the message, which may have arrived. Retry the row if it did not.`,
  )
}
