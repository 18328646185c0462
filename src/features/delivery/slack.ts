import type { SlackOptions } from "./options.ts"
import { requireSuccess, sendPost } from "./post.ts"
import { splitText } from "./split-text.ts"
import { sendParts } from "./unknown-outcome.ts"

/** Maximum characters. Slack truncates longer texts. */
const maxCharacters = 39_000

/**
 * Sends a text through an incoming webhook. Markup, mentions and links are shown literally. Such webhooks have no
 * ids.
 */
export async function sendSlack(
  { webhookUrl, label, onUnknown = "keep", allowPrivateAddresses = false }: SlackOptions,
  text: string,
  signal: AbortSignal,
): Promise<void> {
  const parts = splitText(label === undefined ? text : `${label}\n${text}`, maxCharacters)
  await sendParts(parts, onUnknown, async (part) => {
    const reply = await sendPost({
      url: webhookUrl,
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ text: escapeText(part), mrkdwn: false, unfurl_links: false }),
      allowPrivateAddresses,
      channel: "slack",
      signal,
    })
    requireSuccess(reply, "Slack")
  })
}

/** Escapes a text by https://docs.slack.dev/messaging/formatting-message-text#escaping */
function escapeText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
}
