import { isJsonObject, type Json, type JsonObject } from "../../../core/json/json.ts"
import type { RunnerDecision } from "../../../core/runs/runner.ts"
import { listOf, parseInput, readFields, readText, toJsonValue } from "../fields.ts"
import { formatDenial } from "../runner-options.ts"

/** One question of an interrupt for a person. */
export interface InterruptQuestion {
  readonly name: string
  readonly input: JsonObject
  /** The model's id of the tool call. Default: the open call with this name and input. */
  readonly toolCallId?: string | undefined
  readonly reason?: string | undefined
  readonly inputSchema?: JsonObject | undefined
}

/**
 * Returns the questions in the value of an `interrupt()`. Each action of LangChain's `humanInTheLoopMiddleware` is a
 * question. Any other object is one question, named by `tool` (or `action`, `name`) with `args` (or `input`) and
 * `reason` (or `description`). Any other value is a question named `interrupt`.
 */
export function readQuestions(value: Json): readonly InterruptQuestion[] {
  const { actionRequests, reviewConfigs, ...fields } = readFields(value)
  if (Array.isArray(actionRequests)) {
    const reviews = listOf(reviewConfigs).map(readFields)
    return actionRequests.map((request) => {
      const { name, args, description } = readFields(request)
      const schema = toJsonValue(reviews.find(({ actionName }) => actionName === name)?.argsSchema)
      const inputSchema = isJsonObject(schema) ? schema : undefined
      return { name: String(name), input: parseInput(args), reason: readText(description), inputSchema }
    })
  }
  const name = readText(fields.tool) ?? readText(fields.action) ?? readText(fields.name)
  if (name === undefined) return [{ name: "interrupt", input: parseInput(value) }]
  const toolCallId = readText(fields.toolCallId)
  const reason = readText(fields.reason) ?? readText(fields.description)
  return [{ name, input: parseInput(fields.args ?? fields.input), toolCallId, reason }]
}

/**
 * Returns the value that `interrupt()` returns: the middleware's decisions, or otherwise `{ approved, input, reason
 * }`. `input` is null unless it was edited.
 */
export function resumeValueOf(decisions: readonly RunnerDecision[], value: Json): Json {
  const { actionRequests } = readFields(value)
  if (!Array.isArray(actionRequests)) {
    const [{ approved, editedInput, reason } = refused] = decisions
    return { approved, input: editedInput, reason }
  }
  return {
    decisions: decisions.map((decision, index): Json => {
      if (!decision.approved) return { type: "reject", message: formatDenial(decision) }
      if (decision.editedInput === null) return { type: "approve" }
      const name = String(readFields(actionRequests[index]).name)
      return { type: "edit", editedAction: { name, args: decision.editedInput } }
    }),
  }
}

const refused = { approved: false, editedInput: null, reason: null }
