import { useEffect, useState } from "preact/hooks"
import { ApiError } from "./api.ts"

export interface Polled<Data> {
  /** Null until the first response. */
  readonly data: Data | null
  /** Time of the newest response, in milliseconds since the Unix epoch. Null until the first one. */
  readonly loadedAt: number | null
  /** The newest request, if it failed. */
  readonly failure: PollFailure | null
  readonly reload: () => void
}

export interface PollFailure {
  readonly problem: string
  /** Time of the failure, in milliseconds since the Unix epoch. */
  readonly at: number
}

export type Load<Data> = (signal: AbortSignal, previous: Data | null) => Promise<Data>

/** Milliseconds between two requests for changing data, while the page is visible. */
const pollMs = 4_000
/** Milliseconds after which a request fails, so that a gateway that hangs does not leave old data without a notice. */
const requestMs = 20_000
const maxRetryMs = 8_000

/**
 * Loads data, and reloads it regularly unless `isLive` is false. A failed request is repeated with increasing delays
 * until it succeeds, unless the operator's key does not open the data. Data with another key replaces the data.
 */
export function usePolled<Data>(key: string, load: Load<Data>, isLive = true): Polled<Data> {
  const [state, setState] = useState<KeyedState<Data>>({ key, ...nothing })
  const [reloads, setReloads] = useState(0)
  const current = state.key === key ? state : { key, ...nothing }

  useEffect(() => {
    const controller = new AbortController()
    let known: Loaded<Data> = current
    void poll(
      async (signal) => {
        try {
          const data = await load(signal, known.data)
          known = { data, loadedAt: Date.now() }
          if (!controller.signal.aborted) setState({ key, ...known, failure: null })
          return "loaded"
        } catch (error) {
          const failure = { problem: describeFailure(error), at: Date.now() }
          if (!controller.signal.aborted) setState({ key, ...known, failure })
          return error instanceof ApiError && error.isForKey ? "refused" : "failed"
        }
      },
      { isLive, signal: controller.signal },
    )
    return () => controller.abort()
    // The data is loaded once more after `isLive` becomes false, because the last request may have preceded the last
    // change.
  }, [key, reloads, isLive])

  const { data, loadedAt, failure } = current
  return { data, loadedAt, failure, reload: () => setReloads((count) => count + 1) }
}

interface Loaded<Data> {
  readonly data: Data | null
  readonly loadedAt: number | null
}

interface KeyedState<Data> extends Loaded<Data> {
  readonly key: string
  readonly failure: PollFailure | null
}

const nothing = { data: null, loadedAt: null, failure: null }

interface PollOptions {
  readonly isLive: boolean
  readonly signal: AbortSignal
}

/** `refused`: the operator's key does not open the data, so that no other try can succeed. */
type Outcome = "loaded" | "failed" | "refused"

/** Tries until a try succeeds, and then, if the data is live, again and again until the signal is aborted. */
async function poll(
  attempt: (signal: AbortSignal) => Promise<Outcome>,
  { isLive, signal }: PollOptions,
): Promise<void> {
  let failures = 0
  for (;;) {
    const outcome = await attempt(AbortSignal.any([signal, AbortSignal.timeout(requestMs)]))
    const hasLoaded = outcome === "loaded"
    failures = hasLoaded ? 0 : failures + 1
    if (signal.aborted || outcome === "refused" || (hasLoaded && !isLive)) return
    await sleepUntilVisible(hasLoaded ? pollMs : Math.min(500 * 2 ** failures, maxRetryMs), signal)
    if (signal.aborted) return
  }
}

/** Waits for at least `ms` milliseconds, and then until the page is visible. Also resolves on abort. */
function sleepUntilVisible(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    let isDue = false
    const end = () => {
      clearTimeout(timer)
      document.removeEventListener("visibilitychange", endIfVisible)
      signal.removeEventListener("abort", end)
      resolve()
    }
    const endIfVisible = () => {
      if (isDue && !document.hidden) end()
    }
    const timer = setTimeout(() => {
      isDue = true
      endIfVisible()
    }, ms)
    document.addEventListener("visibilitychange", endIfVisible)
    signal.addEventListener("abort", end)
  })
}

function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  // Another try does not help if, for example, the session does not exist.
  if (error instanceof ApiError && error.status < 500) return error.message
  const problem = error.name === "TimeoutError" ? "The gateway does not respond." : error.message
  return `${problem} The page tries again by itself.`
}
