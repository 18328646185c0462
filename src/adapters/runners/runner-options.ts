import type { JsonObject } from "../../core/json/json.ts"
import type { RunnerDecision, RunnerToolCall } from "../../core/runs/runner.ts"
import type { ToolOrigin } from "../../core/tools/tool-origin.ts"
import type { Approver } from "../../core/wait.ts"
import { toJsonObject } from "./fields.ts"

/** Options of all adapters. */
export interface RunnerOptions {
  /** Model for the usage if the framework does not report which model responded. */
  readonly model?: string
  /** Price list: a provider's id in price lists. Default: none, so the cost is not known. */
  readonly priceList?: string
  /**
   * Divides the calls of a tool into types that are granted separately for the session. Default: one type for each
   * tool.
   */
  readonly qualifier?: (toolName: string, input: JsonObject) => string | undefined
  /**
   * Returns the JSON Schema of a tool's input, to validate edited arguments. Default: the framework's, if it has one.
   */
  readonly inputSchema?: (toolName: string) => object | undefined
}

interface Question {
  readonly id: string
  readonly name: string
  readonly input: JsonObject
  readonly reason?: string | undefined
  /** The MCP server and the tool of the call. Null for another tool. */
  readonly origin?: ToolOrigin | null | undefined
  /** The framework's own schema. */
  readonly inputSchema?: JsonObject | undefined
  readonly approvalsBy?: Approver | undefined
}

/** Returns a call that a person must allow. */
export function createAskedCall(
  options: RunnerOptions,
  { id, name, input, ...question }: Question,
): RunnerToolCall {
  const qualifier = options.qualifier?.(name, input)
  const inputSchema = options.inputSchema?.(name) ?? question.inputSchema
  const { reason, origin = null, approvalsBy } = question
  const approval = {
    ...(reason === undefined ? {} : { reason }),
    ...(qualifier === undefined ? {} : { qualifier }),
    ...(origin === null ? {} : { origin }),
    ...(approvalsBy === undefined ? {} : { approvalsBy }),
    ...(inputSchema === undefined ? {} : { inputSchema: toJsonObject(inputSchema) }),
  }
  return { type: "toolCall", id, name, input, approval }
}

/** Returns the text that a model receives for a call that was denied or whose approval request expired. */
export function formatDenial({ reason }: RunnerDecision): string {
  return reason === null ? "No one allowed this call." : `This call was denied: ${reason}`
}

/** Returns the text that a model receives if arguments were edited and the framework cannot use them. */
export function describeRefusedEdit({ editedInput }: RunnerDecision): string {
  return `A person allows this call only with other arguments: ${JSON.stringify(editedInput)}`
}
