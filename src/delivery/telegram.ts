import { UndeliverableError } from "../core/errors.ts"
import type { TelegramOptions } from "./options.ts"
import { CutOffError, post, requireSuccess } from "./post.ts"
import { splitText } from "./split-text.ts"

/** The most that Telegram takes in one message. */
const maxCharacters = 4_096

/**
 * Sends a text as plain messages, so that no character of it is markup. Telegram knows no ids: a message that was cut
 * off may have arrived, and so may the parts before one that failed. Such a delivery is undeliverable, with a reason
 * that begins with `unknown`, unless `onUnknown` is `resend`.
 */
export async function sendTelegram(
  { botToken, chatId, label, onUnknown = "keep", apiUrl = "https://api.telegram.org" }: TelegramOptions,
  text: string,
  signal: AbortSignal,
): Promise<void> {
  const parts = splitText(label === undefined ? text : `${label}\n${text}`, maxCharacters)
  for (const [index, part] of parts.entries()) {
    try {
      const reply = await post({
        url: `${apiUrl}/bot${botToken}/sendMessage`,
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ chat_id: chatId, text: part, link_preview_options: { is_disabled: true } }),
        // The operator names the API's address, not whoever writes the text.
        allowPrivateAddresses: true,
        signal,
      })
      requireSuccess(reply, "Telegram")
    } catch (error) {
      const isUnknown = error instanceof CutOffError || index > 0
      if (!isUnknown || onUnknown === "resend") throw error
      const what = `${index} of ${parts.length} messages arrived, and the next one may have`
      throw new UndeliverableError(`unknown: ${what}: ${(error as Error).message}`, { cause: error })
    }
  }
}
