import { isLongerAsJson, type Json } from "../../../core/json/json.ts"
import { estimateJsonSize } from "../../../core/json/json-size.ts"
import { toJson } from "../../../core/json/to-json.ts"
import type { EmittedData, Tool } from "../../../core/ports/tools/tool.ts"
import { type ModelRunContext, record } from "../run-context.ts"
import type { CallState } from "./call-state.ts"

/** Maximum characters of one value as JSON. */
const maxValueCharacters = 65_536
/** Maximum stored events of one call over all its executions, and maximum characters of their values. */
const mostStored = { events: 1_000, characters: 1_000_000 }
/** Maximum transient events of one execution. */
const mostTransient = { events: 100_000, characters: 100_000_000 }
const namePattern = /^[A-Za-z][\w.:/-]{0,63}$/

/**
 * A tool may not emit this data. If the tool does not catch the error, the model receives it as a failure of the
 * tool.
 */
class DataRefused extends Error {
  readonly code: "invalid_data" | "too_much_data"

  constructor(code: DataRefused["code"], message: string) {
    super(message)
    this.code = code
  }
}

/** Publishes the data that one execution of a call emits. */
export interface DataEmitter {
  emit(data: EmittedData): void
  /** Resolves when all emitted data is durable. Rejects if it cannot be stored. */
  stored(): Promise<void>
}

export function createDataEmitter(context: ModelRunContext, tool: Tool, call: CallState): DataEmitter {
  const { toolCallId } = call.requested
  let stored = call.emitted
  let transient = { events: 0, characters: 0 }
  const storing: Promise<void>[] = []
  return {
    emit(given) {
      const data = { toolCallId, ...checkData(given, tool) }
      if (given.transient === true) {
        transient = countEmitted(transient, data.value, mostTransient)
        context.journal.show(data)
        return
      }
      stored = countEmitted(stored, data.value, mostStored)
      const recording = record(context, [{ type: "dataEmitted", ...data }])
      // `stored` rejects with the error.
      recording.catch(() => undefined)
      storing.push(recording)
    },
    async stored() {
      await Promise.all(storing)
    },
  }
}

/** Returns the name, and a copy of the value as JSON. Both may come from untyped code. */
function checkData({ name, value, transient }: EmittedData, tool: Tool): { name: string; value: Json } {
  const subject = `The data that tool ${tool.name} emits`
  if (typeof name !== "string" || !namePattern.test(name)) {
    const form = "a letter, then letters, digits, _, ., :, / and -, at most 64 characters"
    throw new DataRefused("invalid_data", `${subject} needs a name of this form: ${form}.`)
  }
  if (transient !== undefined && typeof transient !== "boolean") {
    throw new DataRefused("invalid_data", `${subject}: transient must be true or false.`)
  }
  // This check comes first, because a copy of a huge or cyclic value might never end.
  if (isLongerAsJson(value, maxValueCharacters)) throw createTooLarge(subject, name)
  const copy = toCheckedJson(value, `${subject} as ${name}`)
  if (isLongerAsJson(copy, maxValueCharacters)) throw createTooLarge(subject, name)
  return { name, value: copy }
}

function toCheckedJson(value: unknown, subject: string): Json {
  try {
    return toJson(value, subject)
  } catch (error) {
    throw new DataRefused("invalid_data", error instanceof Error ? error.message : `${subject} is not JSON.`)
  }
}

function createTooLarge(subject: string, name: string): DataRefused {
  const message = `${subject} as ${name} has more than ${maxValueCharacters} characters of JSON.`
  return new DataRefused("invalid_data", `${message} Store it elsewhere and emit a reference.`)
}

function countEmitted(before: Emitted, value: Json, most: Emitted): Emitted {
  const after = { events: before.events + 1, characters: before.characters + estimateJsonSize(value) }
  if (after.events <= most.events && after.characters <= most.characters) return after
  const bounds = `${most.events} events and ${most.characters} characters of JSON`
  throw new DataRefused(
    "too_much_data",
    `One tool call may emit at most ${bounds}. Emit fewer or smaller events.`,
  )
}

type Emitted = CallState["emitted"]
