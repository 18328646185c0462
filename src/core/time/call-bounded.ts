import { GatewayError } from "../errors.ts"

export interface CallBounds {
  /** Name of the option or the method, for the error message. */
  readonly name: string
  /** Aborted when the caller stops waiting, for example because a run is canceled. Default: never. */
  readonly signal?: AbortSignal | undefined
  readonly timeoutMs: number
}

/** A function of the application did not return in time. Its later outcome is ignored. */
export class CallbackTimeoutError extends GatewayError {
  constructor({ name, timeoutMs }: CallBounds) {
    super(
      { code: "callback_timeout", status: 500 },
      `${name} did not return within ${timeoutMs} ms (callbackTimeoutMs).`,
    )
  }
}

/**
 * Calls a function of the application, which may hang. The function's signal is aborted when `bounds.signal` is
 * aborted, and after `timeoutMs`. In both cases the call rejects at once with that signal's reason, and the
 * function's later outcome is ignored.
 */
export async function callBounded<Value>(
  call: (signal: AbortSignal) => Value | Promise<Value>,
  bounds: CallBounds,
): Promise<Value> {
  bounds.signal?.throwIfAborted()
  const stop = new AbortController()
  const outcome = call(stop.signal)
  if (!isPromise(outcome)) return outcome
  const { promise: stopped, reject } = Promise.withResolvers<never>()
  stop.signal.addEventListener("abort", () => reject(stop.signal.reason), { once: true })
  const abort = () => stop.abort(bounds.signal?.reason)
  const timer = setTimeout(() => stop.abort(new CallbackTimeoutError(bounds)), bounds.timeoutMs)
  bounds.signal?.addEventListener("abort", abort, { once: true })
  if (bounds.signal?.aborted === true) abort()
  try {
    return await Promise.race([outcome, stopped])
  } finally {
    clearTimeout(timer)
    bounds.signal?.removeEventListener("abort", abort)
  }
}

/** Returns true for promises of other libraries and realms as well. */
function isPromise<Value>(outcome: Value | Promise<Value>): outcome is Promise<Value> {
  return typeof outcome === "object" && outcome !== null && "then" in outcome
}
