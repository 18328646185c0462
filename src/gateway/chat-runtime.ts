import { createHash } from "node:crypto"
import type { AgentRuntime, RunHooks, Runner } from "../core/agent-runtime.ts"
import { ConfigurationError } from "../core/errors.ts"
import type { Provider, SystemBlock } from "../core/ports/provider.ts"
import type { Tool } from "../core/ports/tool.ts"

/** What `buildChatRuntime` returns: what one run is executed with. */
export type ChatRuntime = ChatModelRuntime | ChatRunnerRuntime

export interface ChatModelRuntime {
  readonly systemPrompt: string | readonly SystemBlock[]
  /** Default: the app's `defaultProvider`. */
  readonly provider?: Provider
  /** Default: the model the client asked for, else the provider's own default. */
  readonly model?: string
  /** Default none. Names must differ. */
  readonly tools?: readonly Tool[]
  /** Cap on the output tokens of one model call. Default 16 000. */
  readonly maxTokens?: number
  /** Most model calls of one run. Default: no bound. */
  readonly maxTurns?: number
  /** Milliseconds, for tools without a limit of their own. Default 30 000. */
  readonly toolTimeoutMs?: number
  /** Bytes of one tool result's text, past which it is cut. Default 100 000. */
  readonly maxToolResultBytes?: number
  /** Retries of a model call that failed in a way that may pass. Default 3. */
  readonly maxRetries?: number
}

/** Somebody else's loop. */
export interface ChatRunnerRuntime {
  readonly runner: Runner
  /** Whether it can go on with a run after a crash; if not, such a run ends in `error`. Default false. */
  readonly resumes?: boolean
}

/** Fills in the defaults. Throws `ConfigurationError` for what cannot work. */
export function toAgentRuntime(
  chat: ChatRuntime,
  {
    provider: defaultProvider,
    model: requestedModel,
    hooks,
  }: {
    readonly provider: Provider
    readonly model: string | null
    readonly hooks: RunHooks
  },
): AgentRuntime {
  if ("runner" in chat) {
    const { runner, resumes = false } = chat
    return { type: "runner", runner, resumes, revision: "runner", hooks }
  }
  const { provider = defaultProvider, tools = [] } = chat
  const systemPrompt =
    typeof chat.systemPrompt === "string" ? [{ text: chat.systemPrompt }] : chat.systemPrompt
  const model = requestedModel ?? chat.model ?? provider.defaultModel
  refuseDuplicates(tools)
  return {
    type: "model",
    systemPrompt: systemPrompt.filter(({ text }) => text !== ""),
    provider,
    model,
    tools,
    maxTokens: chat.maxTokens ?? 16_000,
    maxTurns: chat.maxTurns ?? null,
    toolTimeoutMs: chat.toolTimeoutMs ?? 30_000,
    maxToolResultBytes: chat.maxToolResultBytes ?? 100_000,
    maxRetries: chat.maxRetries ?? 3,
    revision: revisionOf({ systemPrompt, model, provider: provider.name, tools }),
    hooks,
  }
}

function refuseDuplicates(tools: readonly Tool[]): void {
  const names = tools.map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw new ConfigurationError(`Two tools are named ${JSON.stringify(twice)}.`)
}

function revisionOf(definition: {
  readonly systemPrompt: readonly SystemBlock[]
  readonly model: string
  readonly provider: string
  readonly tools: readonly Tool[]
}): string {
  const tools = definition.tools.map(({ name, description, inputSchema }) => ({
    name,
    description,
    inputSchema,
  }))
  return createHash("sha256")
    .update(JSON.stringify({ ...definition, tools }))
    .digest("hex")
    .slice(0, 12)
}
