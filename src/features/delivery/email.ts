import { Readable } from "node:stream"
import { ConfigurationError, toError, UndeliverableError } from "../../core/errors.ts"
import type { EmailOptions } from "./options.ts"
import { CutOffError, sendParts } from "./unknown-outcome.ts"

/** Maximum milliseconds for each phase of a connection. The signal bounds all of them together. */
const phaseMs = 10_000

export interface Email {
  /** The same in every attempt. Some mail servers use it to recognize repetitions. */
  readonly id: string
  readonly subject: string
  readonly text: string
}

/**
 * Sends a plain text by SMTP. Receivers may not recognize repetitions by the id. If the connection was lost after the
 * text had started, the promise rejects with an `UndeliverableError` whose message starts with `unknown:`, unless
 * `onUnknown` is `resend`.
 */
export async function sendEmail(
  { url, from, to, onUnknown = "keep" }: EmailOptions,
  email: Email,
  signal: AbortSignal,
): Promise<void> {
  const { createTransport } = await loadMailer()
  const transport = createTransport({
    url,
    connectionTimeout: phaseMs,
    greetingTimeout: phaseMs,
    socketTimeout: phaseMs,
    // A text must not be able to name files or addresses.
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  await sendParts([email], onUnknown, async ({ id, subject, text }) => {
    const content = openContent(text)
    try {
      const { rejected } = await transport.sendMail({
        from,
        to: [...(typeof to === "string" ? [to] : to)],
        subject: toOneLine(subject),
        text: content.stream,
        textEncoding: "base64",
        messageId: `<${id}@ai-agent-gateway>`,
        signal,
      })
      if (rejected.length === 0) return
      // Another attempt would deliver it twice to the other receivers.
      throw new UndeliverableError(
        `The mail server refused ${rejected.length} of the recipients. The others received the message.`,
      )
    } catch (thrown) {
      throw judge(toError(thrown), content.isBegun())
    }
  })
}

/** Records when the text is read, which happens after the server has accepted the connection and the login. */
function openContent(text: string): { readonly stream: Readable; isBegun(): boolean } {
  let begun = false
  const stream = new Readable({
    read() {
      begun = true
      this.push(text)
      this.push(null)
    },
  })
  return { stream, isBegun: () => begun }
}

/**
 * Classifies an error. A reply of the server gives the outcome. Without one, the message may have arrived if its text
 * had started.
 */
function judge(error: Error, isBegun: boolean): Error {
  if (error instanceof UndeliverableError) return error
  const { responseCode: status, code } = error as { readonly responseCode?: number; readonly code?: string }
  const problem = `The mail server could not take the message: ${error.message}`
  if (status !== undefined) {
    const mayPass = status < 500
    return mayPass ? new Error(problem, { cause: error }) : new UndeliverableError(problem, { cause: error })
  }
  if (isBegun) return new CutOffError(error.message, { cause: error })
  const isWrong = code === "ECONFIG" || code === "EENVELOPE" || code === "EAUTH" || code === "ENOAUTH"
  return isWrong ? new UndeliverableError(problem, { cause: error }) : new Error(problem, { cause: error })
}

function toOneLine(subject: string): string {
  return subject
    .replace(/[\r\n]+/g, " ")
    .slice(0, 200)
    .toWellFormed()
}

/** Loads `nodemailer`. It is an optional peer, because only users of e-mail need it. */
async function loadMailer(): Promise<typeof import("nodemailer")> {
  try {
    return await import("nodemailer")
  } catch (error) {
    throw new ConfigurationError("Delivery by e-mail needs the package nodemailer: npm install nodemailer.", {
      cause: error,
    })
  }
}

/** Rejects with a `ConfigurationError` if the package for e-mail is missing. */
export async function requireMailer(): Promise<void> {
  await loadMailer()
}
