import { definedOnly } from "../../core/defined-only.ts"
import { GatewayError } from "../../core/errors.ts"
import type { Logger } from "../../core/ports/logger.ts"
import type { SystemBlock } from "../../core/ports/provider.ts"
import type { Cost, Usage } from "../../core/usage.ts"
import type { ProviderOptions } from "../../providers/choose/choose-provider.ts"
import { createLogger } from "../../telemetry/logger.ts"
import type { ChatModelRuntime } from "../chat-runtime.ts"
import { createAgent } from "../create-agent.ts"
import type { GatewayRunResult, InferOutput, OutputSchema, RunOptions } from "../gateway.ts"

type ModelOptions = Pick<
  ChatModelRuntime,
  | "model"
  | "fallback"
  | "maxTokens"
  | "maxRetries"
  | "maxBudgetUsd"
  | "prices"
  | "firstTokenTimeoutSeconds"
  | "stallTimeoutSeconds"
>

export interface SendPromptOptions<Schema extends OutputSchema = never>
  extends ProviderOptions,
    ModelOptions,
    Pick<RunOptions<Schema>, "output" | "signal" | "onText" | "onRetry"> {
  /** Default: none. */
  readonly system?: string | readonly SystemBlock[]
  /** Default: JSON lines on standard error, from warnings up, without secrets. */
  readonly logger?: Logger
}

export interface PromptAnswer<Output = never> {
  readonly text: string
  /** The text as the schema that was asked for makes it; null without one. */
  readonly output: Output | null
  readonly usage: Usage
  /** US dollars; null when the price of the model is not known. */
  readonly cost: Cost
  /** The one that answered, by its service's own word. */
  readonly model: string
}

/**
 * One prompt to a model, of which nothing is kept. Retries, fallbacks, budget and structured output are those of an
 * agent. Rejects with a `GatewayError` whose `code` says why there is no whole answer: that of the model service's
 * failure, `output_invalid`, `budget`, `max_tokens`; and with the signal's reason when it is aborted.
 */
export async function sendPrompt<Schema extends OutputSchema = never>(
  prompt: string,
  { system = "", output, signal, onText, onRetry, ...options }: SendPromptOptions<Schema> = {},
): Promise<PromptAnswer<InferOutput<Schema>>> {
  const { logger = createLogger({ level: "warn" }), ...agentOptions } = options
  const agent = createAgent(system, { ...agentOptions, store: "memory", logger })
  try {
    const runOptions = definedOnly<RunOptions<Schema>>({
      output,
      signal,
      onText,
      onRetry,
      onApproval: undefined,
      onElicitation: undefined,
    })
    const result = await agent.run<Schema>(prompt, runOptions)
    signal?.throwIfAborted()
    return answerOf(result)
  } finally {
    await agent.close({ graceMs: 0 })
  }
}

function answerOf<Output>(result: GatewayRunResult<Output>): PromptAnswer<Output> {
  const { outcome, reason, error, response: text, output, usage, cost, model } = result
  if (outcome === "completed" && model !== null) return { text, output, usage, cost, model }
  const { code, message } = error ?? {
    code: reason ?? "interrupted",
    message: `The response is not complete: ${reason ?? "it was interrupted"}.`,
  }
  throw new GatewayError({ code, status: 502 }, message)
}
