import { createInterface } from "node:readline/promises"
import type { JsonObject } from "../../../core/json/json.ts"
import type { Wait } from "../../../core/ports/store/approvals.ts"
import { escapeControls } from "../../../core/text/escape-controls.ts"
import type { HumanAnswer, HumanDecision, RunRequest } from "../runs.ts"

/** Maximum characters of a call's arguments that are shown. */
const maxShown = 10_000

/** The streams of a terminal. */
export interface Terminal {
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean }
  readonly output: NodeJS.WritableStream & { readonly isTTY?: boolean }
}

/**
 * Returns callbacks that ask the person at the terminal, on standard error, so that standard output contains only the
 * response. Without a terminal there are no callbacks, so approvals are denied and questions declined.
 */
export function askInTerminal(
  { input, output }: Terminal = { input: process.stdin, output: process.stderr },
): Pick<RunRequest, "onApproval" | "onElicitation"> {
  if (input.isTTY !== true || output.isTTY !== true) return {}
  const ask = async (question: string): Promise<string> => {
    const lines = createInterface({ input, output })
    let isInterrupted = false
    // Without a listener, Ctrl+C would only close the prompt, which denies the call.
    lines.once("SIGINT", () => {
      isInterrupted = true
      lines.close()
      process.kill(process.pid, "SIGINT")
    })
    // If the terminal is closed, the answer is empty, which means no. An interrupted question gets no answer.
    const closed = new Promise<string>((resolve) => {
      lines.once("close", () => {
        if (!isInterrupted) resolve("")
      })
    })
    try {
      return (await Promise.race([lines.question(question), closed])).trim()
    } finally {
      lines.close()
    }
  }
  return {
    onApproval: async (wait) => parseDecision(await ask(formatApprovalQuestion(wait))),
    onElicitation: async (wait) => answerTo(wait, ask),
  }
}

function formatApprovalQuestion(wait: Wait): string {
  if (wait.kind !== "approval") return ""
  const { input, reason } = wait.payload
  const shown = JSON.stringify(input).slice(0, maxShown)
  const why = reason === null ? "" : `\n  ${reason}`
  return `${escapeControls(`${wait.toolName} ${shown}${why}`)}\nAllow this call? [y/N] `
}

function parseDecision(text: string): HumanDecision {
  return /^y(es)?$/i.test(text)
    ? { approved: true }
    : { approved: false, reason: "The user did not allow this call." }
}

async function answerTo(wait: Wait, ask: (question: string) => Promise<string>): Promise<HumanAnswer> {
  if (wait.kind !== "elicitation") return { action: "decline" }
  const { question } = wait.payload
  const asked = escapeControls(`${wait.toolName} asks: ${question.message}`)
  if (question.mode === "url") {
    const done = await ask(
      `${asked}\n  ${escapeControls(question.url)}\nHave you opened the page and finished there? [y/N] `,
    )
    return { action: /^y(es)?$/i.test(done) ? "accept" : "decline" }
  }
  const schema = escapeControls(JSON.stringify(question.schema).slice(0, maxShown))
  const content = parse(await ask(`${asked}\n  ${schema}\nAnswer as JSON, or nothing to decline: `))
  return content === null ? { action: "decline" } : { action: "accept", content }
}

function parse(text: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : null
  } catch {
    // Any input that is not JSON declines.
    return null
  }
}
