import { OverloadedError, ShuttingDownError, toError, UnusableSchemaError } from "../../../core/errors.ts"
import { createTurnQueue } from "../../../core/fairness/turn-queue.ts"
import { isLongerAsJson, type JsonObject } from "../../../core/json/json.ts"
import type { Principal } from "../../../core/ports/store/session-log.ts"
import type { SchemaCheck, SchemaCheckOptions } from "../../../core/ports/tools/schema-check.ts"
import type { Validation } from "../../../core/ports/tools/tool.ts"
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

interface Check {
  readonly owner: Principal
  readonly schema: string
  readonly value: unknown
  readonly resolve: (outcome: CheckOutcome) => void
  readonly reject: (error: Error) => void
}

/** Checks values on a few threads, which start when they are needed. */
export function createSchemaChecker(given: Partial<SchemaCheckerLimits> = {}): SchemaChecker {
  const limits = { ...defaults, ...given }
  const queue = createTurnQueue<Check>(limits.maxWaiting)
  const idle: CheckThread[] = []
  const running = new Map<Check, CheckThread>()
  /** Schemas for which a thread had to be ended. No other thread tries them again. */
  const unusable = createTextCache<string>({ maxEntries: 100, maxCharacters: 4 * 1024 * 1024 })
  const texts = new WeakMap<JsonObject, string>()
  let closed = false

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

  function mayRun({ tenant, userId }: Principal): boolean {
    const own = [...running.keys()].filter(
      ({ owner }) => owner.tenant === tenant && owner.userId === userId,
    ).length
    return own < Math.max(limits.maxThreads - 1, 1)
  }

  function dispatch(): void {
    while (running.size < limits.maxThreads) {
      const check = queue.take(mayRun)
      if (check === null) return
      const request = createRequest(check)
      if (request === null) continue
      const thread = idle.pop() ?? createThread()
      running.set(check, thread)
      void runOn(thread, check, request)
    }
  }

  /** Returns the request for a thread. Null if the check has been rejected instead. */
  function createRequest({ schema, value, reject }: Check): CheckRequest | null {
    // An earlier check may have shown that no thread can use the schema.
    const reason = unusable.get(schema)
    if (reason !== undefined) {
      reject(new UnusableSchemaError(reason))
      return null
    }
    try {
      return { schema, value: JSON.stringify(value) ?? "null" }
    } catch (thrown) {
      reject(toError(thrown))
      return null
    }
  }

  function createThread(): CheckThread {
    return keepWorker({
      program: "./thread",
      startedBy: import.meta.url,
      kind: "thread",
      startMs: limits.startMs,
      phaseMs: limits.cpuMs,
      heapMb: limits.heapMb,
      idleMs: limits.idleMs,
    })
  }

  async function runOn(thread: CheckThread, check: Check, request: CheckRequest): Promise<void> {
    const outcome = await thread.run(request)
    running.delete(check)
    if (outcome.type === "stopped" && outcome.phase === "compiling" && !closed) {
      unusable.set(check.schema, outcome.reason)
    }
    idle.push(thread)
    check.resolve(outcome)
    dispatch()
  }

  async function computeOutcome(
    request: Pick<Check, "schema" | "value">,
    { owner, signal }: SchemaCheckOptions,
  ): Promise<CheckOutcome> {
    const { promise, resolve, reject } = Promise.withResolvers<CheckOutcome>()
    const check: Check = { ...request, owner, resolve, reject }
    if (!queue.add(owner, check)) throw new OverloadedError(tooMany)
    const abort = () => {
      queue.remove(owner, check)
      reject(signal?.reason)
    }
    signal?.addEventListener("abort", abort, { once: true })
    try {
      dispatch()
      return await promise
    } finally {
      signal?.removeEventListener("abort", abort)
    }
  }

  return {
    async check(schema, value, options) {
      options.signal?.throwIfAborted()
      if (closed) throw new ShuttingDownError()
      const text = formatSchema(schema)
      const reason = unusable.get(text)
      if (reason !== undefined) throw new UnusableSchemaError(reason)
      if (isLongerAsJson(value, limits.maxValueCharacters)) {
        return createInvalid(
          `The value has more than ${limits.maxValueCharacters} characters, which is too many.`,
        )
      }
      return toValidation(await computeOutcome({ schema: text, value }, options), value)
    },
    async close() {
      closed = true
      for (let check = queue.take(); check !== null; check = queue.take()) {
        check.reject(new ShuttingDownError())
      }
      for (const check of running.keys()) check.reject(new ShuttingDownError())
      await Promise.all([...running.values(), ...idle].map((thread) => thread.stop()))
    },
  }
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
