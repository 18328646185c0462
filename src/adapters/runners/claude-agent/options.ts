import { ConfigurationError } from "../../../core/errors.ts"
import { findRepeated } from "../../../core/find-repeated.ts"
import type { JsonObject } from "../../../core/json/json.ts"
import type { Tool } from "../../../core/ports/tools/tool.ts"
import type { TurnLimit } from "../../../core/runs/turn-limit.ts"
import { longestTimerMs } from "../../../core/time/longest-timer.ts"
import type { RunnerOptions } from "../runner-options.ts"

/**
 * `query` of `@anthropic-ai/claude-agent-sdk`, imported by the application. Its parameters are the SDK's own, which the
 * gateway does not depend on.
 */
export type ClaudeAgentQuery = (parameters: never) => AsyncIterable<object>

/** Decides if a person must allow a call. A function that throws or does not return in time denies the call. */
export type ClaudeAgentApproval = (call: {
  readonly toolName: string
  readonly input: JsonObject
  readonly signal: AbortSignal
}) => boolean | Promise<boolean>

export interface ClaudeAgentOptions extends Omit<RunnerOptions, "model">, TurnLimit {
  /** The function of `@anthropic-ai/claude-agent-sdk`. */
  readonly query: ClaudeAgentQuery
  /**
   * Environment variables of Claude Code, such as `ANTHROPIC_API_KEY` and `ANTHROPIC_BASE_URL`. The environment of the
   * gateway is not inherited.
   */
  readonly env: Readonly<Record<string, string>>
  /** Instructions for the model. Default: none but one line of the SDK. */
  readonly systemPrompt?: string
  /** Default: the SDK's choice. */
  readonly model?: string
  /** Model that takes over while the first one is overloaded. Default: none. */
  readonly fallbackModel?: string
  /** The SDK's option `thinking`. Default: the SDK's. */
  readonly thinking?: object
  /** The SDK's option `effort`. Default: the SDK's. */
  readonly effort?: string
  /** Tools of the gateway, made with `tool()`. This process executes them. Default: none. */
  readonly tools?: readonly Tool[]
  /** Built-in tools of Claude Code, such as `Read` and `Bash`. Claude Code executes them. Default: none. */
  readonly builtInTools?: readonly string[]
  /**
   * Decides for tools without a `needsApproval` of their own. Default: a person must allow each call of a built-in
   * tool, and no call of a tool of the gateway.
   */
  readonly needsApproval?: boolean | ClaudeAgentApproval
  /** Budget of a run in US dollars, by the SDK's estimate. Default: no limit. */
  readonly maxBudgetUsd?: number
  /**
   * Folder with one folder per session, for the SDK's transcript and the working directory. Default
   * `.agent-gateway/claude-agent`.
   */
  readonly folder?: string
  /** Days that the folder of a session is kept after its last use. Default 30. */
  readonly keepDays?: number
  /** Returns the working directory of the built-in tools. Default: an empty folder per session. */
  readonly workingFolder?: (session: { readonly sessionId: string; readonly userId: string }) => string
  /** Maximum processes of Claude Code at a time. Further runs wait. Default 4. */
  readonly maxProcesses?: number
  /**
   * Maximum milliseconds from the start of a process to its end, without the time in which a run is parked. Default
   * 1 hour.
   */
  readonly timeoutMs?: number
  /** Maximum milliseconds of a call of a tool without a `timeoutMs` of its own. Default 30 000. */
  readonly toolTimeoutMs?: number
  /** Maximum milliseconds of a call of `needsApproval`. Default 5 000. */
  readonly callbackTimeoutMs?: number
}

const defaults = {
  systemPrompt: "",
  tools: [] as readonly Tool[],
  builtInTools: [] as readonly string[],
  folder: ".agent-gateway/claude-agent",
  keepDays: 30,
  maxProcesses: 4,
  timeoutMs: 3_600_000,
  toolTimeoutMs: 30_000,
  callbackTimeoutMs: 5_000,
  priceList: "anthropic",
}

export type ResolvedClaudeAgentOptions = ClaudeAgentOptions & typeof defaults

/** Applies the defaults. Throws a `ConfigurationError` for options that cannot work. */
export function resolveOptions(given: ClaudeAgentOptions): ResolvedClaudeAgentOptions {
  const isSet = ([, value]: readonly [string, unknown]) => value !== undefined
  const options: ResolvedClaudeAgentOptions = {
    ...defaults,
    ...(Object.fromEntries(Object.entries(given).filter(isSet)) as unknown as ClaudeAgentOptions),
  } as ResolvedClaudeAgentOptions
  if (typeof options.query !== "function")
    refuse("query must be the function of @anthropic-ai/claude-agent-sdk.")
  checkNames(options)
  for (const name of ["timeoutMs", "toolTimeoutMs", "callbackTimeoutMs"] as const) {
    checkCount(name, options[name], longestTimerMs)
  }
  checkCount("maxProcesses", options.maxProcesses, 1_000)
  checkCount("keepDays", options.keepDays, 36_500)
  if (options.maxTurns !== undefined) checkCount("maxTurns", options.maxTurns, 1_000_000)
  if (options.maxBudgetUsd !== undefined && !(options.maxBudgetUsd > 0)) {
    refuse("maxBudgetUsd must be a number above 0.")
  }
  return options
}

function checkNames({ tools, builtInTools }: ResolvedClaudeAgentOptions): void {
  const twice = findRepeated([...tools.map(({ name }) => name), ...builtInTools])
  if (twice !== undefined) refuse(`two tools have the name ${JSON.stringify(twice)}.`)
  const strange = builtInTools.find((name) => !/^[A-Za-z]\w{0,63}$/.test(name) || name.startsWith("mcp__"))
  if (strange !== undefined)
    refuse(`builtInTools: ${JSON.stringify(strange)} is not the name of a built-in tool.`)
  const ofClient = tools.find(({ executionLocation }) => executionLocation === "client")
  if (ofClient !== undefined)
    refuse(`the tool ${ofClient.name} is executed by the client, which a runner cannot wait for.`)
}

function checkCount(name: string, value: number, most: number): void {
  if (!Number.isInteger(value) || value < 1 || value > most) {
    refuse(`${name} must be a whole number from 1 to ${most}.`)
  }
}

function refuse(problem: string): never {
  throw new ConfigurationError(`claudeAgentRunner: ${problem}`)
}
