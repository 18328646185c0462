import { OverloadedError, toError, UnusableSchemaError } from "../../../core/errors.ts"
import { joinTexts } from "../../../core/history/messages.ts"
import type { Json, JsonObject } from "../../../core/json/json.ts"
import type { Event } from "../../../core/log/entries.ts"
import type { Validation } from "../../../core/ports/tools/tool.ts"
import { sleep } from "../../../core/time/sleep.ts"
import type { ModelRunContext } from "../run-context.ts"
import type { RunState } from "../run-state.ts"
import { recordCompletion } from "../steering.ts"

/** Maximum characters of a validation error in the run's error. */
const maxProblem = 1_000
/** Number of retries after a response that does not match the schema. */
const maxMends = 1
/** Milliseconds before a check is repeated that the gateway refused, because too many others waited. */
const overloadPauseMs = 250

/** Returns the instruction to the model to respond with JSON of this schema. */
export function createOutputInstruction(schema: JsonObject): string {
  return (
    "Give your final response as one JSON value that matches this JSON Schema, with no other " +
    `text:\n${JSON.stringify(schema)}`
  )
}

/**
 * Ends the run with the response if it matches the schema. Otherwise the model receives the validation error and
 * tries again once.
 */
export async function checkOutput(
  context: ModelRunContext,
  run: RunState,
  schema: JsonObject,
): Promise<void> {
  const message = context.conversation.messages.at(-1)
  const text = message?.role === "assistant" ? joinTexts(message.content) : ""
  const checked = await check(context, schema, text)
  await recordCompletion(context, [createEvent(checked, run)])
}

type Checked =
  | { readonly fits: true; readonly output: Json }
  | { readonly fits: false; readonly problem: string }
  /** The schema cannot be used, so no response matches it. */
  | { readonly fits: false; readonly problem: null }

async function check(
  { runtime, sessionId, tenant, userId, signal, logger }: ModelRunContext,
  schema: JsonObject,
  text: string,
): Promise<Checked> {
  let output: Json
  try {
    output = JSON.parse(removeFence(text)) as Json
  } catch (error) {
    return { fits: false, problem: `it is not JSON (${toError(error).message}).` }
  }
  try {
    const options = { owner: { tenant, userId }, signal }
    const validation = await checkWithPatience(() => runtime.checkSchema(schema, output, options), signal)
    return validation.valid ? { fits: true, output } : { fits: false, problem: `${validation.message}.` }
  } catch (thrown) {
    if (!(thrown instanceof UnusableSchemaError)) throw thrown
    logger.warn(
      { sessionId, reason: thrown.message },
      "The schema of a run's output cannot be used. The run fails.",
    )
    return { fits: false, problem: null }
  }
}

/** Repeats a check while too many others wait, because the response has been paid for. */
async function checkWithPatience(check: () => Promise<Validation>, signal: AbortSignal): Promise<Validation> {
  for (;;) {
    try {
      return await check()
    } catch (thrown) {
      if (!(thrown instanceof OverloadedError)) throw thrown
      await sleep(overloadPauseMs, signal)
      signal.throwIfAborted()
    }
  }
}

function createEvent(checked: Checked, { outputRejections, spent }: RunState): Event {
  if (checked.fits) {
    const { output } = checked
    return { type: "runCompleted", disposition: "completed", reason: null, ...spent, output }
  }
  const { problem } = checked
  if (problem !== null && outputRejections < maxMends) return { type: "outputRejected", problem }
  const message =
    problem === null
      ? "The requested output schema cannot be used."
      : `The model's response does not match the requested schema: ${problem.slice(0, maxProblem)}`
  return { type: "runFailed", code: "output_invalid", message, ...spent }
}

/** Removes a Markdown code block, in which many models wrap JSON despite the instruction. */
function removeFence(text: string): string {
  return /^\s*```(?:json)?\s*\n([\s\S]*?)\n?```\s*$/.exec(text)?.[1] ?? text
}
