import { createHmac } from "node:crypto"
import { toWireUsage } from "../../core/wire/usage.ts"
import { formatSummary } from "./format-delivery.ts"
import type { Delivery, WebhookOptions } from "./options.ts"
import { requireSuccess, sendPost } from "./post.ts"

/**
 * Posts the delivery as Standard Webhooks 1.0 specifies (https://www.standardwebhooks.com). `webhook-id` is the same
 * in each attempt.
 */
export async function sendWebhook(
  { url, secret, headers = {}, allowPrivateAddresses = false }: WebhookOptions,
  delivered: Delivery,
  signal: AbortSignal,
  formatMessage = formatSummary,
): Promise<void> {
  const body = JSON.stringify({
    type: `run.${delivered.outcome}`,
    timestamp: new Date(delivered.endedAt).toISOString(),
    data: createData(delivered, formatMessage(delivered)),
  })
  const timestamp = Math.floor(Date.now() / 1_000).toString()
  const reply = await sendPost({
    url,
    body,
    allowPrivateAddresses,
    channel: "webhook",
    signal,
    headers: {
      ...(delivered.traceparent !== undefined && { traceparent: delivered.traceparent }),
      ...headers,
      "content-type": "application/json",
      "webhook-id": delivered.id,
      "webhook-timestamp": timestamp,
      ...(secret !== undefined && {
        "webhook-signature": sign(secret, `${delivered.id}.${timestamp}.${body}`),
      }),
    },
  })
  requireSuccess(reply, "The webhook")
}

function sign(secret: string, content: string): string {
  const key = Buffer.from(secret.slice("whsec_".length), "base64")
  return `v1,${createHmac("sha256", key).update(content).digest("base64")}`
}

/** Returns the data in the form of the HTTP API. */
function createData(delivered: Delivery, summary: string) {
  const { agent, outcome, reason, error, response, toolsUsed, state, usage, cost } = delivered
  return {
    agent,
    session_id: delivered.sessionId,
    run_id: delivered.runId,
    outcome,
    reason,
    error,
    response,
    summary,
    tools_used: toolsUsed,
    state,
    usage: toWireUsage({ usage, cost }),
  }
}
