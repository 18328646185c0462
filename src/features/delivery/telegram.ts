import { randomUUID } from "node:crypto"
import { sleep } from "../../core/time/sleep.ts"
import type { TelegramFile, TelegramOptions } from "./options.ts"
import { type PostReply, requireSuccess, sendPost } from "./post.ts"
import { splitText } from "./split-text.ts"
import { sendParts } from "./unknown-outcome.ts"

/** Maximum characters of a message at Telegram. */
const maxCharacters = 4_096
/** Maximum characters of the text beside a file at Telegram. */
const maxCaption = 1_024
/** Maximum seconds to wait for a chat that is full. After that, the delivery is retried later. */
const longestPauseSeconds = 5
const attemptsPerPart = 3

export interface SendTelegramOptions {
  /** Text to send after the first one, in messages of its own. Default: none. */
  readonly furtherText?: string
  /** Files to send after the text, each in a separate message. Default: none. */
  readonly files?: readonly TelegramFile[]
  readonly signal?: AbortSignal
}

type Part = { readonly text: string } | { readonly file: TelegramFile }

/**
 * Sends a text as plain messages, so that no character of it is markup, and files after it. Telegram has no ids. If
 * sending a message was interrupted, the promise rejects with an `UndeliverableError` whose message starts with
 * `unknown:`, unless `onUnknown` is `resend`.
 */
export async function sendTelegram(
  { botToken, chatId, label, onUnknown = "keep", apiUrl = "https://api.telegram.org" }: TelegramChat,
  text: string,
  { furtherText = "", files = [], signal = new AbortController().signal }: SendTelegramOptions = {},
): Promise<void> {
  const texts = [label === undefined ? text : `${label}\n${text}`, furtherText].flatMap((each) =>
    splitText(each, maxCharacters),
  )
  const parts: readonly Part[] = [...texts.map((text) => ({ text })), ...files.map((file) => ({ file }))]
  await sendParts(parts, onUnknown, async (part) => {
    for (let attempt = 1; ; attempt += 1) {
      const reply = await sendPost({
        ...("text" in part ? createMessage(chatId, part.text) : createDocument(chatId, part.file)),
        url: `${apiUrl}/bot${botToken}/${"text" in part ? "sendMessage" : "sendDocument"}`,
        // The operator chooses the API's address, and the author of the text cannot.
        allowPrivateAddresses: true,
        channel: "telegram",
        signal,
      })
      const pauseSeconds = attempt < attemptsPerPart ? parseRetryAfter(reply) : null
      if (pauseSeconds === null) return requireSuccess(reply, "Telegram")
      await sleep(pauseSeconds * 1_000, signal)
    }
  })
}

/** The chat that a message is sent to. */
export type TelegramChat = Omit<TelegramOptions, "files">

function createMessage(chatId: string, text: string) {
  const body = JSON.stringify({ chat_id: chatId, text, link_preview_options: { is_disabled: true } })
  return { headers: { "content-type": "application/json" }, body }
}

/** Returns a form by https://core.telegram.org/bots/api#sending-files */
function createDocument(chatId: string, { name, content, caption }: TelegramFile) {
  const boundary = `file-${randomUUID()}`
  const formatField = (name: string, value: string) =>
    `--${boundary}\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`
  const captionField =
    caption === undefined ? "" : formatField("caption", caption.slice(0, maxCaption).toWellFormed())
  const head =
    `${formatField("chat_id", chatId)}${captionField}--${boundary}\r\n` +
    `content-disposition: form-data; name="document"; filename="${escapeName(name)}"\r\n` +
    "content-type: application/octet-stream\r\n\r\n"
  return {
    headers: { "content-type": `multipart/form-data; boundary=${boundary}` },
    body: Buffer.concat([Buffer.from(head), Buffer.from(content), Buffer.from(`\r\n--${boundary}--\r\n`)]),
  }
}

/** Escapes a name by https://html.spec.whatwg.org/#multipart-form-data */
function escapeName(name: string): string {
  return name.toWellFormed().replaceAll('"', "%22").replaceAll("\r", "%0D").replaceAll("\n", "%0A")
}

/** Returns the seconds that Telegram asks to wait, if they are few. Null otherwise. */
function parseRetryAfter({ status, text }: PostReply): number | null {
  if (status !== 429) return null
  const seconds = Number(/"retry_after"\s*:\s*(\d+)/.exec(text)?.[1] ?? Number.NaN)
  return seconds <= longestPauseSeconds ? seconds : null
}
