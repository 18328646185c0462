import { createSerialQueue } from "../../core/time/serial-queue.ts"
import { hasNewerBriefing, writeBriefing } from "./briefing-file.ts"
import { sendEmail } from "./email.ts"
import { formatDelivery, formatSubject, formatSummary } from "./format-delivery.ts"
import type { Delivery, DeliveryOptions } from "./options.ts"
import { readReport } from "./report-file.ts"
import { sendSlack } from "./slack.ts"
import { sendTelegram } from "./telegram.ts"
import type { OnUnknown } from "./unknown-outcome.ts"
import { sendWebhook } from "./webhook.ts"

/** One channel that delivers the ends of runs. */
export interface Channel {
  readonly name: string
  /** Set for a channel without ids: decides if a message that may have arrived is sent again. */
  readonly onUnknown: OnUnknown | null
  send(delivered: Delivery, signal: AbortSignal): Promise<void>
}

/**
 * Returns the channels of the validated options. With `keepNewer`, the file of `writeFile` is not replaced by a
 * delivery that is older than the file, because a delivery that is retried may come after those of later runs.
 */
export function createChannels(
  options: DeliveryOptions,
  { keepNewer }: { readonly keepNewer: boolean },
): readonly Channel[] {
  const {
    onComplete,
    webhook,
    telegram,
    slack,
    email,
    writeFile,
    sendFile,
    formatMessage = formatDelivery,
  } = options
  const formatLong = options.formatMessage ?? formatSummary
  const channels: Channel[] = []
  const add = (name: string, send: Channel["send"], onUnknown: OnUnknown | null = null) =>
    channels.push({ name, send, onUnknown })
  if (onComplete !== undefined)
    add("callback", async (delivered, signal) => onComplete(delivered, { signal }))
  if (webhook !== undefined)
    add("webhook", (delivered, signal) => sendWebhook(webhook, delivered, signal, formatLong))
  if (telegram !== undefined) {
    const { files, onUnknown = "keep", ...chat } = telegram
    const send: Channel["send"] = async (delivered, signal) => {
      const report = sendFile === undefined ? {} : await readReport(sendFile)
      const attached = [
        ...(report.file === undefined ? [] : [report.file]),
        ...((await files?.(delivered)) ?? []),
      ]
      await sendTelegram({ ...chat, onUnknown }, formatLong(delivered), {
        ...(report.text !== undefined && { furtherText: report.text }),
        ...{ files: attached, signal },
      })
    }
    add("telegram", send, onUnknown)
  }
  if (slack !== undefined)
    add(
      "slack",
      (delivered, signal) => sendSlack(slack, formatMessage(delivered), signal),
      slack.onUnknown ?? "keep",
    )
  if (email !== undefined) {
    const { subject = formatSubject } = email
    const send: Channel["send"] = (delivered, signal) => {
      const title = typeof subject === "string" ? subject : subject(delivered)
      return sendEmail(email, { id: delivered.id, subject: title, text: formatMessage(delivered) }, signal)
    }
    add("email", send, email.onUnknown ?? "keep")
  }
  if (writeFile !== undefined) {
    // One at a time, so that no other delivery comes between the check and the write.
    const inTurn = createSerialQueue()
    add("briefing", (delivered) =>
      inTurn(async () => {
        if (keepNewer && (await hasNewerBriefing(writeFile, delivered.endedAt))) return
        await writeBriefing(writeFile, formatMessage(delivered), delivered.endedAt)
      }),
    )
  }
  return channels
}
