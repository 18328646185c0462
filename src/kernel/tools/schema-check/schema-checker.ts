import { OverloadedError, ShuttingDownError, UnusableSchemaError } from "../../../core/errors.ts"
import { createPlaces } from "../../../core/fairness/places.ts"
import { isLongerAsJson, type JsonObject } from "../../../core/json/json.ts"
import type { SchemaCheck, SchemaCheckOptions } from "../../../core/ports/tools/schema-check.ts"
import type { Validation } from "../../../core/ports/tools/tool.ts"
import { rejectOnAbort } from "../../../core/time/reject-on-abort.ts"
import { type KeptWorker, keepWorker } from "../../../platform/workers/keep-worker.ts"
import type { Outcome } from "../../../platform/workers/worker.ts"
import type { CheckPhase, CheckRequest, Verdict } from "./messages.ts"
import { createTextCache } from "./text-cache.ts"

export interface SchemaChecker {
  readonly check: SchemaCheck
  /** Ends the threads. Checks in progress reject with a `ShuttingDownError`. */
  close(): Promise<void>
}

export interface SchemaCheckerLimits {
  /** Maximum milliseconds of real time until a thread starts its first check. */
  readonly startMs: number
  /** Maximum milliseconds of CPU time for each phase. */
  readonly cpuMs: Readonly<Record<CheckPhase, number>>
  /** Maximum megabytes of a thread's JavaScript heap. */
  readonly heapMb: number
  /** Maximum number of threads. One user never uses all of them, so that one thread is left for the others. */
  readonly maxThreads: number
  /** Milliseconds after which an idle thread ends. */
  readonly idleMs: number
  /** Maximum characters of one schema as JSON. */
  readonly maxSchemaCharacters: number
  /** Maximum characters of one value as JSON. */
  readonly maxValueCharacters: number
  /** Maximum number of checks that wait for a thread. */
  readonly maxWaiting: number
}

const defaults: SchemaCheckerLimits = {
  startMs: 30_000,
  // A usual schema compiles within a few milliseconds, and one of 100 kB in half a second. A value of a megabyte
  // takes some milliseconds; a pattern can take years.
  cpuMs: { compiling: 2_000, checking: 200 },
  heapMb: 128,
  maxThreads: 2,
  idleMs: 60_000,
  maxSchemaCharacters: 1024 * 1024,
  maxValueCharacters: 1024 * 1024,
  // A run has at most 16 checks at once. A waiting value is part of a conversation or of a request, whose sizes are
  // bounded, and is written as JSON when a thread takes it.
  maxWaiting: 10_000,
}

type CheckOutcome = Outcome<Verdict>
type CheckThread = KeptWorker<CheckRequest, Verdict>

/** Checks values on a few threads, which start when they are needed. */
export function createSchemaChecker(given: Partial<SchemaCheckerLimits> = {}): SchemaChecker {
  const limits = { ...defaults, ...given }
  const threads = new Set<CheckThread>()
  const idle: CheckThread[] = []
  const places = createPlaces({
    max: limits.maxThreads,
    maxOfUser: Math.max(limits.maxThreads - 1, 1),
    maxWaiting: limits.maxWaiting,
    createBusyError: () => new OverloadedError(tooMany),
  })
  /** Schemas for which a thread had to be ended. No other thread tries them again. */
  const unusable = createTextCache<string>({ maxEntries: 100, maxCharacters: 4 * 1024 * 1024 })
  const texts = new WeakMap<JsonObject, string>()
  const closing = new AbortController()

  function formatSchema(schema: JsonObject): string {
    const known = texts.get(schema)
    if (known !== undefined) return known
    if (isLongerAsJson(schema, limits.maxSchemaCharacters)) {
      throw new UnusableSchemaError(`it has more than ${limits.maxSchemaCharacters} characters`)
    }
    const text = JSON.stringify(schema)
    texts.set(schema, text)
    return text
  }

  function refuseUnusable(schema: string): void {
    const reason = unusable.get(schema)
    if (reason !== undefined) throw new UnusableSchemaError(reason)
  }

  async function runOnThread(request: CheckRequest): Promise<CheckOutcome> {
    const thread = idle.pop() ?? createThread(limits)
    threads.add(thread)
    const outcome = await thread.run(request)
    idle.push(thread)
    if (outcome.type === "stopped" && outcome.phase === "compiling" && !closing.signal.aborted) {
      unusable.set(request.schema, outcome.reason)
    }
    return outcome
  }

  /** Waits for a place. An abort ends the wait at once, and the place is given back when the thread is done. */
  async function computeOutcome(
    { schema, value }: { readonly schema: string; readonly value: unknown },
    { owner, signal: given }: SchemaCheckOptions,
  ): Promise<CheckOutcome> {
    const signal = given === undefined ? closing.signal : AbortSignal.any([given, closing.signal])
    const leave = await places.enter(owner, undefined, signal)
    const check = async () => {
      try {
        signal.throwIfAborted()
        // An earlier check may have shown that no thread can use the schema.
        refuseUnusable(schema)
        return await runOnThread({ schema, value: JSON.stringify(value) ?? "null" })
      } finally {
        leave()
      }
    }
    return rejectOnAbort(signal, check())
  }

  return {
    async check(schema, value, options) {
      options.signal?.throwIfAborted()
      closing.signal.throwIfAborted()
      const text = formatSchema(schema)
      refuseUnusable(text)
      if (isLongerAsJson(value, limits.maxValueCharacters)) {
        return createInvalid(
          `The value has more than ${limits.maxValueCharacters} characters, which is too many.`,
        )
      }
      return toValidation(await computeOutcome({ schema: text, value }, options), value)
    },
    async close() {
      closing.abort(new ShuttingDownError())
      await Promise.all([...threads].map((thread) => thread.stop()))
    },
  }
}

function createThread({ startMs, cpuMs, heapMb, idleMs }: SchemaCheckerLimits): CheckThread {
  return keepWorker({
    program: "./thread",
    startedBy: import.meta.url,
    kind: "thread",
    startMs,
    phaseMs: cpuMs,
    heapMb,
    idleMs,
  })
}

const tooMany =
  "The value was not validated, because too many schema checks wait for their turn. Try again later."

function toValidation(outcome: CheckOutcome, value: unknown): Validation {
  if (outcome.type === "stopped") {
    if (outcome.phase === "compiling") throw new UnusableSchemaError(outcome.reason)
    return createInvalid(`The value cannot be checked: its check ${outcome.reason}.`)
  }
  const { reply: verdict } = outcome
  switch (verdict.type) {
    case "valid":
      return { valid: true, input: value }
    case "invalid":
      return createInvalid(verdict.message)
    case "unusable":
      throw new UnusableSchemaError(verdict.message)
    default:
      return verdict satisfies never
  }
}

function createInvalid(message: string): Validation {
  return { valid: false, message }
}
