import type { ProviderOptions } from "../../adapters/providers/choose/choose-provider.ts"
import { omitUndefined } from "../../core/defined-only.ts"
import { GatewayError } from "../../core/errors.ts"
import type { Logger } from "../../core/ports/logger.ts"
import type { SystemBlock } from "../../core/ports/model/provider.ts"
import type { Cost, Usage } from "../../core/usage.ts"
import { createLogger } from "../../platform/logging/logger.ts"
import type { ChatModelRuntime } from "../agent/chat-runtime.ts"
import { createAgent } from "../create-agent.ts"
import type { GatewayRunResult, InferOutput, OutputSchema, RunOptions } from "../gateway.ts"

type ModelOptions = Pick<
  ChatModelRuntime,
  | "model"
  | "fallback"
  | "maxTokens"
  | "thinkingLevel"
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
  /** System prompt. Default: none. */
  readonly system?: string | readonly SystemBlock[]
  /** Default: JSON lines on standard error, from level `warn` up, without secrets. */
  readonly logger?: Logger
}

export interface PromptAnswer<Output = never> {
  readonly text: string
  /** The output after its schema's transforms and defaults. Null without a schema. */
  readonly output: Output | null
  readonly usage: Usage
  /** US dollars. Null if the price of the model is not known. */
  readonly cost: Cost
  /** The model that responded, as its provider reports it. */
  readonly model: string
}

/**
 * Sends one prompt to a model, without a session. Retries, fallbacks, budget and structured output work as for an
 * agent. Rejects with a `GatewayError` if there is no complete response. Its `code` is that of the provider's
 * failure, `output_invalid`, `budget` or `max_tokens`. Rejects with the signal's reason if it is aborted.
 */
export async function sendPrompt<Schema extends OutputSchema = never>(
  prompt: string,
  { system = "", output, signal, onText, onRetry, ...options }: SendPromptOptions<Schema> = {},
): Promise<PromptAnswer<InferOutput<Schema>>> {
  const { logger = createLogger({ level: "warn" }), ...agentOptions } = options
  const agent = createAgent(system, { ...agentOptions, store: "memory", logger })
  try {
    const runOptions = omitUndefined<RunOptions<Schema>>({
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
