import { createHash } from "node:crypto"
import type { Json } from "../../core/json/json.ts"
import type { Session } from "../../core/ports/store/session-log.ts"
import { Problem } from "../../http/problem.ts"
import { readIdempotencyKey } from "../../http/request/idempotency.ts"
import type { AcceptOutcome } from "../../kernel/sessions/accept-message.ts"
import type { SessionOptions } from "../../kernel/sessions/sessions.ts"
import type { Exchange } from "./context.ts"

type Idempotency = { readonly key: string; readonly bodyHash: string } | null

/**
 * Finds the run of a request that a client has sent before, so that a repeated request starts no second run. A client
 * may name its request with the header `Idempotency-Key`. The libraries of OpenAI send none: they repeat a request
 * whose connection was lost with the number of the attempt in a header.
 */
export interface Repetition {
  /** If true, the client may be repeating a request. */
  readonly isPossible: boolean
  /** Resolves to a new session. For a repeated request, resolves to the session of the first one. */
  openSession(agent: string, options: Pick<SessionOptions, "keepMs">): Promise<Session>
  /**
   * Starts the run, or finds that of the first request. `runs` are the newest two runs of the session, the newest one
   * first.
   */
  start(
    runs: readonly string[],
    put: (idempotency: Idempotency) => Promise<AcceptOutcome>,
  ): Promise<AcceptOutcome>
}

/** Milliseconds within which a library repeats a request. Equal requests are told apart for each such period. */
const periodMs = 600_000
/** Maximum number of equal requests of one user in a period. */
const maxEqualRequests = 4_096

export async function readRepetition(exchange: Exchange, body: Json): Promise<Repetition> {
  const { c, parts } = exchange
  const { sessions } = parts
  const { principal } = c.get("caller")
  const header = c.req.header("idempotency-key")
  const attempt = c.req.header("x-stainless-retry-count")
  const isRepeated = attempt !== undefined && /^[1-9]\d{0,3}$/.test(attempt)
  const hashed = await readIdempotencyKey(header ?? "library", body)
  const bodyHash = hashed?.bodyHash ?? ""

  // The application's own ids of conversations are on other paths.
  const nameOf = (...facts: readonly (string | number)[]) => {
    const text = JSON.stringify([c.req.path, ...facts])
    return `request_${createHash("sha256").update(text).digest("hex").slice(0, 32)}`
  }

  async function openNew(agent: string, options: Pick<SessionOptions, "keepMs">): Promise<Session> {
    const now = parts.clock.now()
    const period = Math.floor(now / periodMs)
    const nameAt = (of: number, place: number) => nameOf("body", bodyHash, of, place)
    const findAt = (of: number) => (place: number) => sessions.find(principal, agent, nameAt(of, place))
    const known = await countKnown(findAt(period))
    if (isRepeated) {
      const last = known > 0 ? findAt(period)(known - 1) : findLast(findAt(period - 1))
      const session = await last
      if (session !== null && session.revokedAt === null && now - session.createdAt < periodMs) return session
    }
    for (let place = known; place < maxEqualRequests; place++) {
      const { session, isNew } = await sessions.open(principal, agent, nameAt(period, place), options)
      // Otherwise an equal request has taken the place at the same moment.
      if (isNew) return session
    }
    throw new Problem(
      { code: "rate_limited", status: 429 },
      "There are too many requests with this very body.",
    )
  }

  return {
    isPossible: isRepeated || header !== undefined,
    async openSession(agent, options) {
      if (header !== undefined)
        return (await sessions.open(principal, agent, nameOf("key", header), options)).session
      return attempt === undefined ? sessions.create(principal, agent, options) : openNew(agent, options)
    },
    async start([newest = "none", former = "none"], put) {
      if (header !== undefined) return put(hashed)
      if (attempt === undefined) return put(null)
      // A run of a library has the key of the run before it. The first attempt may have become the newest run.
      const after = (run: string) => put({ key: `after_${run}`, bodyHash })
      if (!isRepeated || newest === "none") return after(newest)
      const outcome = await after(former)
      return outcome.status === "keyReused" ? after(newest) : outcome
    },
  }
}

async function findLast(find: (place: number) => Promise<Session | null>): Promise<Session | null> {
  const known = await countKnown(find)
  return known === 0 ? null : find(known - 1)
}

/** Resolves to the number of known places, which are the first ones. Takes steps that double, and halves the last. */
async function countKnown(find: (place: number) => Promise<Session | null>): Promise<number> {
  let known = 0
  let unknown = 1
  while (unknown < maxEqualRequests && (await find(unknown - 1)) !== null) {
    known = unknown
    unknown *= 2
  }
  while (unknown - known > 1) {
    const middle = Math.floor((known + unknown) / 2)
    if ((await find(middle - 1)) === null) unknown = middle
    else known = middle
  }
  return known
}
