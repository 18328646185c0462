import { createHash } from "node:crypto"
import { createGate } from "../approvals/gate.ts"
import type { ApprovalPolicy, Interceptor } from "../approvals/interceptor.ts"
import type { AgentRuntime, RunHooks, Runner } from "../core/agent-runtime.ts"
import { ConfigurationError } from "../core/errors.ts"
import type { Grant } from "../core/ports/approvals.ts"
import type { Logger } from "../core/ports/logger.ts"
import type { Provider, SystemBlock } from "../core/ports/provider.ts"
import type { Tool } from "../core/ports/tool.ts"
import type { CodeToolsOptions } from "../tools/code-execution/code-execution.ts"
import { checkChatRuntime } from "./check-options.ts"

/** What `buildChatRuntime` returns: what one run is executed with. */
export type ChatRuntime = ChatModelRuntime | ChatRunnerRuntime

export interface ChatModelRuntime {
  readonly systemPrompt: string | readonly SystemBlock[]
  /** Default: the app's `defaultProvider`. */
  readonly provider?: Provider
  /**
   * What a client asks for takes its place only if `allowedModels` lists that. Default: what the client asks for, else
   * the provider's own default.
   */
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
  /** What a person must allow, for tools that do not say so themselves. Default: nothing. */
  readonly needsApproval?: ApprovalPolicy
  /** See every call before anybody is asked about it, in this order. Default none. */
  readonly interceptors?: readonly Interceptor[]
  /** How long an approval or a client tool's result is waited for. Default 86 400: a day. */
  readonly approvalTimeoutSeconds?: number
}

/** Somebody else's loop. */
export interface ChatRunnerRuntime {
  readonly runner: Runner
  /** Whether it can go on with a run after a crash; if not, such a run ends in `error`. Default false. */
  readonly resumes?: boolean
}

export interface RuntimeSurroundings {
  readonly provider: Provider
  /** The one the client asked for. */
  readonly model: string | null
  /** Those a client may choose, whatever the app's own is; undefined for any, where the app has none of its own. */
  readonly allowedModels: readonly string[] | undefined
  readonly hooks: RunHooks
  readonly grants: (sessionId: string) => Promise<readonly Grant[]>
  /** The tools that run code, where the app has them. */
  readonly codeTools?: (options: CodeToolsOptions) => readonly Tool[]
  readonly logger: Logger
}

/** Fills in the defaults. Throws `ConfigurationError` for what is unknown, wrong or cannot work. */
export function toAgentRuntime(chat: ChatRuntime, surroundings: RuntimeSurroundings): AgentRuntime {
  checkChatRuntime(chat)
  const { provider: defaultProvider, hooks, grants, logger } = surroundings
  if ("runner" in chat) {
    const { runner, resumes = false } = chat
    return { type: "runner", runner, resumes, revision: "runner", hooks }
  }
  const { provider = defaultProvider, interceptors = [], needsApproval = () => false } = chat
  const systemPrompt =
    typeof chat.systemPrompt === "string" ? [{ text: chat.systemPrompt }] : chat.systemPrompt
  const model = chosenModel(chat.model, surroundings) ?? provider.defaultModel
  const maxToolResultBytes = chat.maxToolResultBytes ?? 100_000
  const codeTools = surroundings.codeTools?.({ needsApproval, maxResultBytes: maxToolResultBytes }) ?? []
  const tools = [...(chat.tools ?? []), ...codeTools]
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
    maxToolResultBytes,
    maxRetries: chat.maxRetries ?? 3,
    gate: createGate({ interceptors, needsApproval, grants, logger }),
    approvalTimeoutMs: (chat.approvalTimeoutSeconds ?? 86_400) * 1_000,
    revision: revisionOf({ systemPrompt, model, provider: provider.name, tools }),
    hooks,
  }
}

/** The app's model wins over the client's, unless the app lists the client's among those to choose from. */
function chosenModel(
  own: string | undefined,
  { model: asked, allowedModels }: RuntimeSurroundings,
): string | undefined {
  if (asked === null) return own
  if (allowedModels === undefined) return own ?? asked
  return allowedModels.includes(asked) ? asked : own
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
