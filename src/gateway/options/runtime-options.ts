import { z } from "zod"
import { loopOptions } from "../../agent/options.ts"
import { approvalOptions, waitOptions } from "../../approvals/options.ts"
import type { Runner } from "../../core/runs/runner.ts"
import { declareOptions, type Resolved } from "../../options/declare-options.ts"
import { resolveOptions } from "../../options/resolve-options.ts"
import { createFunctionSchema } from "../../options/schemas.ts"
import { priceOptions } from "../../pricing/options.ts"
import { modelOptions, providerChoice } from "../../providers/choose/options.ts"
import { toolOptions } from "../../tools/options.ts"
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
