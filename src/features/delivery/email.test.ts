import { expect, it, onTestFinished } from "vitest"
import { UndeliverableError } from "../../core/errors.ts"
import { sendEmail } from "./email.ts"
import { type MailServerOptions, startMailServer } from "./fixtures/mail-server.ts"
import { parseMail } from "./fixtures/parse-mail.ts"

const { signal } = new AbortController()
const email = { id: "email_run_1", subject: "Briefing", text: "Guten Tag – “so it is”.\n.\nNot the end." }

async function mailServer(options: MailServerOptions = {}) {
  const server = await startMailServer(options)
  onTestFinished(() => server.close())
  return { server, options: { url: server.url, from: "agent@example.com", to: "ada@example.com" } }
}

const failure = (promise: Promise<void>) => promise.then(() => null).catch((error: Error) => error)

it("an e-mail is plain text with the id of its delivery", async () => {
  const { server, options } = await mailServer()
  await sendEmail({ ...options, to: ["ada@example.com", "eve@example.com"] }, email, signal)
  const [mail] = server.mails
  expect(mail?.to).toEqual(["ada@example.com", "eve@example.com"])
  const { headers, text } = parseMail(mail?.content ?? "")
  expect(headers.get("message-id")).toBe("<email_run_1@ai-agent-gateway>")
  expect(headers.get("subject")).toBe("Briefing")
  expect(headers.get("content-type")).toContain("text/plain")
  expect(text.replaceAll("\r\n", "\n").trim()).toBe(email.text)
})

it("no line of the subject becomes a header", async () => {
  const { server, options } = await mailServer()
  await sendEmail(options, { ...email, subject: "a\r\nbcc: eve@example.com" }, signal)
  expect(server.mails[0]?.to).toEqual(["ada@example.com"])
  expect(parseMail(server.mails[0]?.content ?? "").headers.get("bcc")).toBeUndefined()
})

it.each([
  [550, true],
  [450, false],
])("an e-mail that the server refuses with %i is undeliverable: %s", async (code, isFinal) => {
  const { options } = await mailServer({ refuses: () => code })
  const error = await failure(sendEmail(options, email, signal))
  expect(error).toBeInstanceOf(Error)
  expect(error instanceof UndeliverableError).toBe(isFinal)
  expect(error?.message).not.toMatch(/^unknown/)
})

it("an e-mail that only some recipients received is not sent again", async () => {
  const { options } = await mailServer({ refuses: (address) => (address.startsWith("eve") ? 550 : null) })
  const error = await failure(
    sendEmail({ ...options, to: ["ada@example.com", "eve@example.com"] }, email, signal),
  )
  expect(error).toBeInstanceOf(UndeliverableError)
  expect(error?.message).toContain("1 of the recipients")
})

it("an e-mail whose sending was interrupted is not sent again, unless that is configured", async () => {
  const { server, options } = await mailServer({ cutsOff: true })
  const error = await failure(sendEmail(options, email, signal))
  expect(error).toBeInstanceOf(UndeliverableError)
  expect(error?.message).toMatch(/^unknown: 0 of 1 /)
  const again = await failure(sendEmail({ ...options, onUnknown: "resend" }, email, signal))
  expect(again).not.toBeInstanceOf(UndeliverableError)
  expect(server.mails).toHaveLength(2)
})

it("an e-mail is sent later if its server is not reachable", async () => {
  const { server, options } = await mailServer()
  await server.close()
  const error = await failure(sendEmail(options, email, signal))
  expect(error).toBeInstanceOf(Error)
  expect(error).not.toBeInstanceOf(UndeliverableError)
  expect(error?.message).not.toMatch(/^unknown/)
})

it("ends when its signal aborts", async () => {
  const { server, options } = await mailServer()
  expect(await failure(sendEmail(options, email, AbortSignal.abort()))).toBeInstanceOf(Error)
  expect(server.mails).toEqual([])
})
