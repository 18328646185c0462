import type { JsonObject } from "../../../../core/json/json.ts"
import type { Tool } from "../../../../core/ports/tools/tool.ts"
import type { RunnerRequest, RunnerToolCall } from "../../../../core/runs/runner.ts"
import { callBounded } from "../../../../core/time/call-bounded.ts"
import { resolveOrigin } from "../../../../core/tools/tool-origin.ts"
import { createAskedCall } from "../../runner-options.ts"
import type { ResolvedClaudeAgentOptions } from "../options.ts"
import type { SdkCall } from "./call-gate.ts"
import { createValidationContext } from "./execute-tool.ts"
import { toSdkName } from "./tool-server.ts"

/** A call as the gateway shows it, with the decision about it. */
export interface JudgedCall {
  /** The call under its name in the gateway. With `approval`, a person must allow it first. */
  readonly shown: RunnerToolCall
  /**
   * Reason that the model receives if the call is refused. Null if the call may be executed or a person may be asked.
   */
  readonly refusal: string | null
}

/** Decides about calls that the model requests. Refuses every call that is not certainly allowed. */
export type JudgeCall = (call: SdkCall) => Promise<JudgedCall>

export function createApprovalPolicy(options: ResolvedClaudeAgentOptions, request: RunnerRequest): JudgeCall {
  const tools = new Map(options.tools.map((tool) => [toSdkName(tool.name), tool]))
  return async ({ id, name, input }) => {
    const tool = tools.get(name)
    const shown = { type: "toolCall", id, name: tool?.name ?? name, input } as const
    if (tool === undefined && !options.builtInTools.includes(name)) {
      return { shown, refusal: `There is no tool ${name}.` }
    }
    try {
      return tool === undefined
        ? await judgeBuiltIn(shown, options, request)
        : await judgeTool(tool, shown, options, request)
    } catch (error) {
      request.signal.throwIfAborted()
      const fields = { error, tool: shown.name, sessionId: request.sessionId }
      request.logger.warn(fields, "The approval policy failed, so the call was refused.")
      return { shown, refusal: "This call was refused, because its approval could not be checked." }
    }
  }
}

async function judgeBuiltIn(
  shown: RunnerToolCall,
  options: ResolvedClaudeAgentOptions,
  request: RunnerRequest,
): Promise<JudgedCall> {
  const asks = await askAgent(shown, true, options, request)
  return { shown: asks ? createAskedCall(options, shown) : shown, refusal: null }
}

async function judgeTool(
  tool: Tool,
  shown: RunnerToolCall,
  options: ResolvedClaudeAgentOptions,
  request: RunnerRequest,
): Promise<JudgedCall> {
  const validation = await tool.validate(shown.input, createValidationContext(request, request.signal))
  if (!validation.valid) return { shown, refusal: validation.message }
  const { input } = validation
  const { needsApproval, approvalsBy } = tool
  const asks =
    typeof needsApproval === "function"
      ? await callBounded((stop) => needsApproval({ input, signal: stop }), createBounds(options, request))
      : (needsApproval ?? (await askAgent(shown, false, options, request)))
  if (!asks) return { shown, refusal: null }
  const computeQualifier = (name: string, raw: JsonObject) =>
    tool.qualifier?.(input) ?? options.qualifier?.(name, raw)
  return {
    shown: createAskedCall(
      { ...options, qualifier: computeQualifier },
      { ...shown, inputSchema: tool.inputSchema, origin: resolveOrigin(tool, shown.input), approvalsBy },
    ),
    refusal: null,
  }
}

async function askAgent(
  { name: toolName, input }: RunnerToolCall,
  byDefault: boolean,
  options: ResolvedClaudeAgentOptions,
  request: RunnerRequest,
): Promise<boolean> {
  const { needsApproval = byDefault } = options
  if (typeof needsApproval === "boolean") return needsApproval
  const decide = (signal: AbortSignal) => needsApproval({ toolName, input, signal })
  return callBounded(decide, createBounds(options, request))
}

function createBounds(
  { callbackTimeoutMs: timeoutMs }: ResolvedClaudeAgentOptions,
  { signal }: RunnerRequest,
) {
  return { name: "needsApproval", signal, timeoutMs }
}
