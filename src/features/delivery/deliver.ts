import { toError } from "../../core/errors.ts"
import { removeSecrets } from "../../core/text/remove-secrets.ts"
import { createChannels } from "./channels.ts"
import { checkDeliveryOptions, type Delivery, type DeliveryOptions, isChosen } from "./options.ts"
import { unknownPrefix } from "./unknown-outcome.ts"

/** The result of one channel. */
export interface DeliveryResult {
  readonly channel: "callback" | "webhook" | "telegram" | "slack" | "email" | "briefing"
  /** `unknown`: the message or a part of it may have arrived. */
  readonly status: "delivered" | "failed" | "unknown"
  /** The reason of a failure. Null if there was none. */
  readonly error: string | null
}

/** Maximum milliseconds for one attempt at one channel. */
export const attemptMs = 15_000

/** Delivers to all channels of the options at once, with one attempt each. Does not reject if a channel fails. */
export async function deliverNow(
  delivered: Omit<Delivery, "id">,
  options: DeliveryOptions,
  { signal = new AbortController().signal }: { readonly signal?: AbortSignal } = {},
): Promise<readonly DeliveryResult[]> {
  checkDeliveryOptions(options)
  const results = createChannels(options, { keepNewer: false }).map(
    async ({ name, send }): Promise<DeliveryResult | null> => {
      const channel = name as DeliveryResult["channel"]
      const delivery = { ...delivered, id: `${name}_${delivered.runId}` }
      try {
        if (!isChosen(options, delivery)) return null
        await send(delivery, AbortSignal.any([signal, AbortSignal.timeout(attemptMs)]))
        return { channel, status: "delivered", error: null }
      } catch (error) {
        const { message } = toError(error)
        const status = message.startsWith(unknownPrefix) ? "unknown" : "failed"
        return { channel, status, error: removeSecrets(message) }
      }
    },
  )
  return (await Promise.all(results)).filter((result) => result !== null)
}
