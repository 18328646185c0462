import { type Chat, ChatError, type Run, type SentEvent } from "../../../client/index.ts"
import { isJsonObject } from "../../../core/json/json.ts"
import { explainFailure } from "../../../core/runs/explain-failure.ts"
import type { CliContext } from "../../cli-context.ts"
import { formatAsLine } from "../../cli-error.ts"
import { type AnswerPrinter, createAnswerPrinter } from "../../output/answer-printer.ts"
import { createProgressPrinter } from "../../output/run-progress.ts"
import type { LineInput } from "./line-input.ts"

/** Maximum characters of a call's arguments that are shown before a person decides. */
const maxShown = 10_000
/** Maximum milliseconds until the gateway accepts a cancel. */
const cancelTimeoutMs = 5_000

const help = `/stop cancels the response, /quit ends the program (so does the end of the input), /help shows this.
All other input is a message. Input that you type during a response is sent after it.
`

/** Advice by the code of an error. */
const hints: Readonly<Record<string, string>> = {
  unreachable: " To start a gateway in another terminal: agent-gateway dev FILE",
  invalid_api_key: " Set --api-key or AGENT_GATEWAY_API_KEY.",
  session_not_found: " To start another session, leave out --session.",
}

export interface ConverseOptions extends Pick<CliContext, "stdout" | "stderr" | "answerOutput" | "signal"> {
  readonly chat: Chat
  readonly input: LineInput
}

/** The outcome of the last message. */
export interface Sent {
  /** If true, the message was not accepted, or its run failed. */
  readonly hasFailed: boolean
  /** If true, the gateway does not have the session. */
  readonly isSessionMissing: boolean
}

/**
 * Sends each line as a message and prints the response, until the input ends or the signal aborts. Resolves to the
 * outcome of the last message.
 */
export async function converse(options: ConverseOptions): Promise<Sent> {
  const { input, stdout, signal } = options
  let sent: Sent = { hasFailed: false, isSessionMissing: false }
  for (;;) {
    stdout.write("> ")
    const line = (await input.next(signal))?.trim()
    if (line === undefined || line === "/quit" || line === "/exit") break
    if (line === "/help") stdout.write(help)
    else if (line !== "" && line !== "/stop") sent = await sendMessage(options, line)
    if (signal.aborted) break
  }
  stdout.write("\n")
  return sent
}

/** Sends one message and follows its run to the end. While the run waits, asks the user the questions of its tools. */
async function sendMessage(options: ConverseOptions, message: string): Promise<Sent> {
  const { chat, input, signal, stderr } = options
  const printer = separateTurns(createAnswerPrinter(options))
  const showProgress = createProgressPrinter(options, printer.endLine)
  const run = chat.send(message, { signal })
  let [hasFailed, isSessionMissing] = [false, false]
  let canceling = Promise.resolve()
  const canceled = new AbortController()
  const cancel = () => {
    canceling = cancelRun(options, run)
    canceled.abort()
  }
  input.intercept((line) => {
    if (line.trim() !== "/stop") return false
    cancel()
    return true
  })
  signal.addEventListener("abort", cancel, { once: true })
  try {
    for await (const event of run) {
      // `answerQuestion` prints these requests when it asks the user.
      if (event.type !== "tool_approval_request" && event.type !== "elicitation_request") showProgress(event)
      // A sub-agent's text is not the response.
      if (event.sub_agent_id === undefined) {
        printEvent(event, printer)
        hasFailed = event.type === "error"
      }
      await answerQuestion({ ...options, canceled: canceled.signal }, event)
    }
  } catch (error) {
    if (signal.aborted) return { hasFailed: false, isSessionMissing }
    if (!(error instanceof ChatError)) throw error
    hasFailed = true
    isSessionMissing = error.code === "session_not_found"
    const hint = hints[error.code] ?? ""
    stderr.write(`agent-gateway: ${formatAsLine(error.message)} (${error.code})${hint}\n`)
  } finally {
    printer.end()
    input.intercept(() => false)
    signal.removeEventListener("abort", cancel)
    // The process may end next, so the cancel must have arrived before.
    await canceling
  }
  return { hasFailed, isSessionMissing }
}

async function cancelRun({ chat, stderr }: ConverseOptions, run: Run): Promise<void> {
  const options = { signal: AbortSignal.timeout(cancelTimeoutMs), ...(run.id !== null && { runId: run.id }) }
  try {
    await chat.cancel(options)
  } catch (error) {
    stderr.write(`agent-gateway: the run was not canceled: ${formatAsLine(String(error))}\n`)
  }
}

interface TurnPrinter extends AnswerPrinter {
  endTurn(): void
}

/** Puts a blank line between the texts of two turns. */
function separateTurns(printer: AnswerPrinter): TurnPrinter {
  let [hasText, isNewTurn] = [false, false]
  return {
    ...printer,
    onText(text) {
      if (isNewTurn && hasText) printer.onText("\n\n")
      printer.onText(text)
      hasText = true
      isNewTurn = false
    },
    endTurn() {
      isNewTurn = true
    },
  }
}

function printEvent(event: SentEvent, printer: TurnPrinter): void {
  switch (event.type) {
    case "text_delta":
      printer.onText(event.text)
      break
    case "stream_retry":
      printer.onRetry({ message: event.error })
      break
    case "turn_complete":
      printer.endTurn()
      break
    case "stream_complete":
      if (event.reason !== undefined) printer.onText(`\n[The response ended early: ${event.reason}]`)
      break
    case "error":
      printer.onText(
        `\n[The run failed: ${explainFailure({ message: event.error, providerMessage: event.provider_message })} (${event.code})]`,
      )
      break
  }
}

interface QuestionOptions extends ConverseOptions {
  /** Aborts when the user cancels the response. No open question is answered then, because the run ends. */
  readonly canceled: AbortSignal
}

/** Asks the person a tool's question. Without an answer, the call is denied or the question declined. */
async function answerQuestion(options: QuestionOptions, event: SentEvent): Promise<void> {
  const { chat, signal, canceled } = options
  switch (event.type) {
    case "tool_approval_request": {
      const { tool_name: name, tool_input: given, reason } = event
      const why = reason === null ? "" : `\n  ${formatAsLine(reason)}`
      const shown = `${name} ${formatAsLine(JSON.stringify(given), maxShown)}${why}`
      if (event.approvals_by === "operator") {
        options.stdout.write(
          `${shown}\nOnly an operator may allow this call. The response continues after the decision.\n`,
        )
        return
      }
      const choice = await askChoice(options, shown)
      if (canceled.aborted) return
      const [approved, remember] = [choice !== "deny", choice === "always"]
      const refusal = approved ? {} : { reason: "The user did not allow this call." }
      await ignoreSettled(chat.approve(event, { approved, remember, ...refusal, signal }))
      break
    }
    case "elicitation_request":
      await ignoreSettled(answerElicitation(options, event))
      break
  }
}

const choicesHelp = `  y  Allows this call.
  a  Allows this call, and further calls of this kind in this session without a question.
  n  Denies this call. The model is informed, and continues.
  /stop cancels the response.
Allow this call? [y/a/n] `

const choices = {
  y: "allow",
  yes: "allow",
  a: "always",
  always: "always",
  n: "deny",
  no: "deny",
} as const

/** Asks until the input is one of the choices. The end of the input denies the call. */
async function askChoice(options: QuestionOptions, shown: string): Promise<"allow" | "always" | "deny"> {
  let question = `${shown}\nAllow this call? [y]es, [a]lways in this session, [n]o, [?] help: `
  for (;;) {
    const answer = (await ask(options, question))?.toLowerCase()
    if (answer === undefined) return "deny"
    if (isChoice(answer)) return choices[answer]
    question = isHelp(answer) ? choicesHelp : "Type y, a or n. The call waits. ? explains the choices: "
  }
}

function isChoice(answer: string): answer is keyof typeof choices {
  return Object.hasOwn(choices, answer)
}

function isHelp(answer: string): boolean {
  return answer === "?" || answer === "help" || answer === "/help"
}

async function answerElicitation(
  options: QuestionOptions,
  event: Extract<SentEvent, { readonly type: "elicitation_request" }>,
): Promise<void> {
  const { chat, signal, canceled } = options
  const asked = `${event.tool_name} asks: ${formatAsLine(event.message)}`
  if (event.mode === "url") {
    const done = await ask(
      options,
      `${asked}\n  ${formatAsLine(event.url ?? "")}\nHave you opened the page and finished there? [y/N] `,
    )
    if (canceled.aborted) return
    return /^y(es)?$/i.test(done ?? "")
      ? chat.answer(event, null, { signal })
      : chat.decline(event, { signal })
  }
  const schema = formatAsLine(JSON.stringify(event.schema ?? {}), maxShown)
  const text = await ask(options, `${asked}\n  ${schema}\nAnswer as a JSON object, or nothing to decline: `)
  if (canceled.aborted) return
  const content = parse(text ?? "")
  return content === null ? chat.decline(event, { signal }) : chat.answer(event, content, { signal })
}

/** Resolves to the next line. Undefined if the input has ended, or the user cancels the response. */
async function ask(
  { input, stdout, signal, canceled }: QuestionOptions,
  question: string,
): Promise<string | undefined> {
  stdout.write(`\n${question}`)
  return (await input.next(AbortSignal.any([signal, canceled])))?.trim()
}

/**
 * Ignores the error that the wait has ended: another client may have answered, or the wait expired. The stream shows
 * how the run continues.
 */
async function ignoreSettled(answering: Promise<void>): Promise<void> {
  try {
    await answering
  } catch (error) {
    const settled = ["already_answered", "wait_expired", "wait_not_found"]
    if (!(error instanceof ChatError) || !settled.includes(error.code)) throw error
  }
}

function parse(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text)
    return isJsonObject(value) ? value : null
  } catch {
    // Any input that is not a JSON object declines.
    return null
  }
}
