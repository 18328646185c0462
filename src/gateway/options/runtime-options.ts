import { z } from "zod"
import { modelOptions, providerChoice } from "../../adapters/providers/choose/options.ts"
import type { Runner } from "../../core/runs/runner.ts"
import { codeExecutionRunSchema } from "../../features/sandbox/code-execution/options.ts"
import { loopOptions } from "../../kernel/agent/options.ts"
import { approvalOptions, waitOptions } from "../../kernel/approvals/options.ts"
import { runtimeCompactionSchemas } from "../../kernel/compaction/options.ts"
import { priceOptions } from "../../kernel/pricing/options.ts"
import { toolOptions } from "../../kernel/tools/options.ts"
import { declareOptions, type Resolved } from "../../platform/options/declare-options.ts"
import { resolveOptions } from "../../platform/options/resolve-options.ts"
import { createFunctionSchema } from "../../platform/options/schemas.ts"
import type { ChatModelRuntime, ChatRunnerRuntime, ChatRuntime } from "../agent/chat-runtime.ts"
import { type Hooks, hookOptions } from "../hooks/hooks.ts"

/** Options of a run that are also options of `createAgent`. */
export const runOptions = {
  ...modelOptions,
  ...priceOptions,
  ...toolOptions,
  ...loopOptions,
  ...approvalOptions,
  ...waitOptions,
}

export const systemPrompt = z.union(
  [z.string(), z.array(z.strictObject({ text: z.string(), cache: z.boolean().optional() }))],
  "expected a string or an array of { text, cache? }",
)

const modelRuntimeOptions = declareOptions<ChatModelRuntime & Hooks>()({
  ...runOptions,
  ...hookOptions,
  systemPrompt,
  provider: providerChoice.optional(),
  ...runtimeCompactionSchemas,
  codeExecution: codeExecutionRunSchema,
})

const runnerRuntimeOptions = declareOptions<ChatRunnerRuntime & Hooks>()({
  ...priceOptions,
  ...waitOptions,
  ...hookOptions,
  runner: createFunctionSchema<Runner>(),
  resumes: z.boolean().default(false),
})

export type ResolvedModelRuntime = Resolved<ChatModelRuntime & Hooks, typeof modelRuntimeOptions>
export type ResolvedRunnerRuntime = Resolved<ChatRunnerRuntime & Hooks, typeof runnerRuntimeOptions>
export type ResolvedChatRuntime = ResolvedModelRuntime | ResolvedRunnerRuntime

/** Checks the result of `buildChatRuntime` and applies the defaults. Throws a `ConfigurationError` for mistakes. */
export function resolveChatRuntime(chat: ChatRuntime): ResolvedChatRuntime {
  const isRunner = typeof chat === "object" && chat !== null && "runner" in chat
  if (isRunner) return resolveOptions("buildChatRuntime", runnerRuntimeOptions, chat)
  return resolveOptions("buildChatRuntime", modelRuntimeOptions, chat)
}
