import type { Event } from "../core/entries.ts"
import { toError } from "../core/errors.ts"
import type { Json, JsonObject } from "../core/json.ts"
import { textOf } from "../core/messages.ts"
import type { RunState } from "./conversation.ts"
import { type ModelRunContext, record } from "./run-context.ts"

/** Characters of a validation error that the run's error quotes. */
const maxProblem = 1_000
/** Attempts that a model has to mend an answer which does not fit. */
const maxMends = 1

/** What the model is told when the answer must be JSON of this schema. */
export function outputInstruction(schema: JsonObject): string {
  return `Give your final answer as one JSON value that fits this JSON Schema, with no other text:\n${JSON.stringify(schema)}`
}

/** Ends the run with the answer if it fits the schema; else the model is told why and tries once more. */
export async function checkOutput(
  context: ModelRunContext,
  run: RunState,
  schema: JsonObject,
): Promise<void> {
  const message = context.conversation.messages.at(-1)
  const text = message?.role === "assistant" ? textOf(message.content) : ""
  const checked = await check(context, schema, text)
  await record(context, [eventOf(checked, run)])
}

type Checked =
  | { readonly fits: true; readonly output: Json }
  | { readonly fits: false; readonly problem: string }

async function check({ runtime }: ModelRunContext, schema: JsonObject, text: string): Promise<Checked> {
  let output: Json
  try {
    output = JSON.parse(withoutFence(text)) as Json
  } catch (error) {
    return { fits: false, problem: `it is no JSON (${toError(error).message}).` }
  }
  const validation = runtime.checkSchema(schema, output)
  return validation.valid ? { fits: true, output } : { fits: false, problem: `${validation.message}.` }
}

function eventOf(checked: Checked, { outputRejections, spent }: RunState): Event {
  if (checked.fits) {
    const { output } = checked
    return { type: "runCompleted", disposition: "completed", reason: null, ...spent, output }
  }
  if (outputRejections < maxMends) return { type: "outputRejected", problem: checked.problem }
  const message = `The model's answer does not fit the requested schema: ${checked.problem.slice(0, maxProblem)}`
  return { type: "runFailed", code: "output_invalid", message, ...spent }
}

/** Many models wrap JSON in a Markdown code block, whatever they are told. */
function withoutFence(text: string): string {
  return /^\s*```(?:json)?\s*\n([\s\S]*?)\n?```\s*$/.exec(text)?.[1] ?? text
}
