import { explainFailure } from "../../../core/runs/explain-failure.ts"
import { type Cost, noUsage } from "../../../core/usage.ts"
import type { ChatEvent } from "../../../core/wire/chat-event.ts"
import { createInterruption, createOutputWithoutRun, type RunOutput } from "./run-output.ts"

export interface CollectOptions {
  /** If true, the caller canceled the run because it exceeded its time limit. Default false. */
  readonly timedOut?: boolean
}

/**
 * Creates a `RunOutput` from the events of one run, in order, as `gateway.stream()` and the client yield them. Events
 * contain no ids or times, so these fields are null. A stream without a terminal event leads to the error
 * `incomplete`.
 */
export async function collectRunOutput(
  events: AsyncIterable<ChatEvent> | Iterable<ChatEvent>,
  { timedOut = false }: CollectOptions = {},
): Promise<RunOutput> {
  const run = new CollectedRun()
  for await (const event of events) run.see(event)
  return run.output(timedOut)
}

/**
 * Collects the texts of a run. The text of a message ends with its turn, or when the next one starts after a tool
 * call.
 */
class CollectedRun {
  readonly #toolsUsed = new Set<string>()
  #text = ""
  readonly #texts: string[] = []
  #usage = noUsage
  #cost: Cost = null
  #error: { readonly code: string; readonly message: string } | null = null
  #isOver = false
  #budgetExceeded = false
  #maxTurnsReached = false
  #summary: string | null = null

  see(event: ChatEvent): void {
    // The text, the calls and the limits of a sub-agent are not the run's.
    if (event.sub_agent_id !== undefined) return
    switch (event.type) {
      case "text_delta":
        this.#text += event.text
        break
      case "stream_retry":
        this.#text = ""
        break
      case "tool_call_start":
        this.#toolsUsed.add(event.tool_name)
        this.#endMessage()
        break
      case "turn_complete":
        this.#endMessage()
        break
      case "budget_exceeded":
        this.#budgetExceeded = true
        break
      case "max_turns_reached":
        this.#maxTurnsReached = true
        this.#summary = event.summary ?? null
        break
      case "stream_complete":
        this.#end(event)
        break
      case "error":
        this.#isOver = true
        this.#error = {
          code: event.code,
          message: explainFailure({ message: event.error, providerMessage: event.provider_message }),
        }
        break
    }
  }

  output(timedOut: boolean): RunOutput {
    this.#endMessage()
    const error = this.#isOver ? this.#error : incomplete
    return createOutputWithoutRun({
      response: this.#texts.at(-1) ?? "",
      transcript: this.#texts.join("\n\n"),
      toolsUsed: [...this.#toolsUsed],
      usage: this.#usage,
      cost: this.#cost,
      error: timedOut ? null : (error?.message ?? null),
      errorCode: timedOut ? null : (error?.code ?? null),
      timedOut,
      budgetExceeded: this.#budgetExceeded,
      maxTurnsReached: this.#maxTurnsReached,
      summary: this.#summary,
    })
  }

  #end({ usage, terminal_disposition, reason }: ChatEvent & { readonly type: "stream_complete" }) {
    this.#isOver = true
    this.#usage = {
      inputTokens: usage.input_tokens,
      outputTokens: usage.output_tokens,
      cacheCreationInputTokens: usage.cache_creation_input_tokens,
      cacheReadInputTokens: usage.cache_read_input_tokens,
    }
    this.#cost = usage.estimated_cost
    if (reason === "budget") this.#budgetExceeded = true
    else if (reason === "max_turns") this.#maxTurnsReached = true
    else if (terminal_disposition === "interrupted") this.#error = createInterruption(reason ?? null)
  }

  #endMessage(): void {
    if (this.#text !== "") this.#texts.push(this.#text)
    this.#text = ""
  }
}

const incomplete = {
  code: "incomplete",
  message: "The stream ended before the run did. The run may continue.",
}
