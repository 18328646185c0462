import type { Json } from "../core/json/json.ts"
import type { OutboxDelivery, OutboxHandler } from "../core/ports/outbox.ts"
import type { Plugin } from "../core/ports/plugin.ts"
import type { RunEnd } from "../core/run-end.ts"
import { writeBriefing } from "./briefing-file.ts"
import { checkDeliveryOptions, type Delivery, type DeliveryOptions } from "./options.ts"
import { sendSlack } from "./slack.ts"
import { sendTelegram } from "./telegram.ts"
import { sendWebhook } from "./webhook.ts"

/** An item of the outbox has at most a megabyte. */
const maxResponse = 100_000

/**
 * Delivers the end of each run of the agent by the outbox: at least once, also after a crash, and always under the
 * same id. Throws a `ConfigurationError` for options that are unknown or wrong.
 */
export function delivery(options: DeliveryOptions): Plugin {
  checkDeliveryOptions(options)
  return {
    name: "delivery",
    setup({ agent }) {
      const channels = channelsOf(options)
      const kinds = Object.keys(channels)
      return {
        outbox: Object.fromEntries(Object.entries(channels).map(([kind, send]) => [kind, handlerOf(send)])),
        openRun: () => ({
          itemsAtEnd: (end) => {
            const of = (kind: string) => deliveryOf(end, { agent, kind })
            const chosen = kinds.filter((kind) => options.when?.(of(kind)) ?? true)
            return chosen.map((kind) => ({ id: idOf(end, kind), kind, payload: toJson(of(kind)) }))
          },
        }),
      }
    },
  }
}

/** Milliseconds for one attempt. If a process dies over one, its row is due ten seconds later than that. */
const timeoutMs = 15_000

type Send = (delivery: Delivery, signal: AbortSignal) => Promise<void>

function channelsOf({
  onComplete,
  webhook,
  telegram,
  slack,
  briefingFile,
  formatMessage = messageOf,
}: DeliveryOptions) {
  const channels: Record<string, Send> = {}
  if (onComplete !== undefined)
    channels.callback = async (delivered, signal) => onComplete(delivered, { signal })
  if (webhook !== undefined) channels.webhook = (delivered, signal) => sendWebhook(webhook, delivered, signal)
  if (telegram !== undefined)
    channels.telegram = (delivered, signal) => sendTelegram(telegram, formatMessage(delivered), signal)
  if (slack !== undefined)
    channels.slack = (delivered, signal) => sendSlack(slack, formatMessage(delivered), signal)
  if (briefingFile !== undefined)
    channels.briefing = (delivered) => writeBriefing(briefingFile, formatMessage(delivered))
  return channels
}

function handlerOf(send: Send): OutboxHandler {
  return {
    timeoutMs,
    deliver: ({ payload }: OutboxDelivery, { signal }) => send(payload as unknown as Delivery, signal),
  }
}

function idOf({ runId }: RunEnd, kind: string): string {
  return `${kind}_${runId}`
}

function deliveryOf(
  end: RunEnd,
  { agent, kind }: { readonly agent: string; readonly kind: string },
): Delivery {
  const { sessionId, runId, endedAt, outcome, reason, error, usage, cost } = end
  const response = end.response.slice(0, maxResponse).toWellFormed()
  return {
    id: idOf(end, kind),
    agent,
    sessionId,
    runId,
    endedAt,
    outcome,
    reason,
    error,
    response,
    usage,
    cost,
  }
}

function toJson(delivered: Delivery): Json {
  return { ...delivered } as unknown as Json
}

function messageOf({ response, outcome, reason, error }: Delivery): string {
  if (error !== null) return `The run failed: ${error.message}`
  const state = outcome === "completed" ? "" : `The run was interrupted: ${reason ?? "unknown"}.`
  return (
    [state, response].filter((part) => part.trim() !== "").join("\n\n") || "The run ended without a text."
  )
}
