import { createHash } from "node:crypto"
import { GatewayError } from "../../core/errors.ts"
import { toCanonicalPieces } from "../../core/json/canonical-json.ts"
import type { Json } from "../../core/json/json.ts"
import type { Principal, PutOutcome, Session } from "../../core/ports/store/session-log.ts"
import { parseTraceparent } from "../../core/runs/trace-context.ts"
import { isSamePrincipal, toPrincipalOfPerson } from "../../http/auth/principal.ts"
import type { Sessions } from "../../kernel/sessions/sessions.ts"
import type { CompiledSchema } from "../../kernel/tools/input-schema.ts"
import { checkStartOptions } from "../options/check-options.ts"
import type { StartOptions } from "./run-options.ts"

/** The owner of sessions that the application itself starts. */
export const localPrincipal: Principal = { tenant: "local", userId: "local" }

export interface StartParts {
  readonly sessions: Sessions
  /** Names of the agents that the gateway serves. */
  readonly agents: readonly string[]
  /** Name of the called method, for messages. */
  readonly caller: string
}

export interface StartedRun {
  readonly sessionId: string
  readonly runId: string
}

/** A run that the message started or joined. */
export interface AcceptedRun extends StartedRun {
  readonly cursor: number
  /** Queue position, from 1, of a run that must wait. */
  readonly position?: number | undefined
  /** If true, the run existed before: the message joined it, or its job was started before. */
  readonly existed: boolean
  /** If true, the message joined a run that was open before. */
  readonly hasJoined: boolean
}

interface InternalOptions {
  readonly schema?: CompiledSchema | undefined
  /** Owner of the session, in place of `userId` and `tenant`. The limits of the owner's storage apply. */
  readonly owner?: Principal | undefined
}

/** Puts the message into the session that the options specify. Resolves when the run is durable. */
export async function startRun(
  { sessions, agents, caller }: StartParts,
  message: string,
  { schema, owner, ...options }: StartOptions & InternalOptions,
): Promise<AcceptedRun> {
  checkStartOptions(caller, options)
  const { signal, context = {}, whenBusy, notBefore, jobId, notes = [], limits, toolInputDeltas } = options
  const traceparent = parseTraceparent(options.traceparent)
  signal?.throwIfAborted()
  const { id: sessionId } = await findSession(sessions, agents, { ...options, owner })
  const { channel = null } = context
  const texts = [message, ...notes].map((text) => ({ type: "text", text }) as const)
  const outcome = await sessions.start({
    sessionId,
    ...(owner !== undefined && { principal: owner }),
    input: { type: "message", content: texts },
    context,
    channel: typeof channel === "string" ? channel : null,
    model: null,
    idempotency: jobId === undefined ? null : { key: toJobKey(jobId), bodyHash: digest([message, context]) },
    ...(limits !== undefined && { runLimits: limits }),
    ...(whenBusy !== undefined && { whenBusy }),
    ...(toolInputDeltas === true && { toolInputDeltas }),
    ...(traceparent !== null && { traceparent }),
    ...(notBefore !== undefined && { notBefore }),
    ...(schema !== undefined && { outputSchema: schema.jsonSchema }),
  })
  return { sessionId, ...requireAcceptedRun(outcome) }
}

async function findSession(
  sessions: Sessions,
  agents: readonly string[],
  { sessionId, externalId, userId, tenant, agent, jobId, owner: given }: StartOptions & InternalOptions,
): Promise<Session> {
  if (agent !== undefined && !agents.includes(agent)) {
    throw new GatewayError(
      { code: "agent_not_found", status: 404 },
      `The gateway serves no agent named ${agent}.`,
    )
  }
  const owner = given ?? (userId === undefined ? null : toPrincipalOfPerson({ userId, tenant }))
  if (externalId !== undefined) return openSession(sessions, owner ?? localPrincipal, { agent, externalId })
  if (sessionId === undefined && jobId === undefined) return sessions.create(owner ?? localPrincipal, agent)
  const session =
    sessionId === undefined
      ? await openJobSession(sessions, { owner: owner ?? localPrincipal, agent: agent ?? agents[0], jobId })
      : await sessions.session(sessionId)
  const isFound =
    session !== null &&
    session.revokedAt === null &&
    agents.includes(session.agent) &&
    (agent === undefined || session.agent === agent) &&
    (owner === null || isSamePrincipal(session, owner))
  if (isFound) return session
  throw new GatewayError(
    { code: "session_not_found", status: 404 },
    "The session does not exist, has expired, or belongs to another user or agent.",
  )
}

async function openSession(
  sessions: Sessions,
  owner: Principal,
  { agent, externalId }: { readonly agent: string | undefined; readonly externalId: string },
): Promise<Session> {
  const { session } = await sessions.open(owner, agent, externalId)
  if (session.revokedAt === null) return session
  throw new GatewayError(
    { code: "session_revoked", status: 409 },
    "The session with this external id was revoked. Use another external id.",
  )
}

/** Returns the session of a job. Processes that start the same job at once receive the same session. */
async function openJobSession(
  sessions: Sessions,
  job: { readonly owner: Principal; readonly agent: string | undefined; readonly jobId: string | undefined },
): Promise<Session> {
  const { tenant, userId } = job.owner
  const id = `sess_${digest(["job", tenant, userId, job.agent ?? "", job.jobId ?? ""]).slice(0, 32)}`
  return (await sessions.session(id)) ?? sessions.create(job.owner, job.agent, { id })
}

/** Returns an idempotency key. A client of the HTTP API would not choose such a key for its own message. */
function toJobKey(jobId: string): string {
  return `job_${digest(jobId)}`
}

/** Returns a digest. Equal values have the same digest, whatever the order of their members is. */
function digest(value: Json): string {
  const hash = createHash("sha256")
  for (const piece of toCanonicalPieces(value)) hash.update(piece)
  return hash.digest("hex")
}

/** Returns the run of an accepted message. Throws if it was refused. */
export function requireAcceptedRun(outcome: PutOutcome): Omit<AcceptedRun, "sessionId"> {
  switch (outcome.status) {
    case "accepted":
    case "duplicate": {
      const { status, runId, cursor, position } = outcome
      return { runId, cursor, position, existed: status === "duplicate", hasJoined: false }
    }
    case "steered":
      return { runId: outcome.runId, cursor: outcome.cursor, existed: true, hasJoined: true }
    case "queueFull":
      throw new GatewayError(
        { code: "queue_full", status: 429, retryable: true },
        "The session's queue is full. Try again when some of its runs have ended.",
      )
    case "busy":
      throw new GatewayError(
        { code: "run_active", status: 409, retryable: true },
        `Run ${outcome.runId} of this session is still open or queued.`,
      )
    case "full":
      throw new GatewayError(
        { code: "session_too_large", status: 413 },
        "The session has reached its storage limit. Start a new session.",
      )
    case "keyReused":
      throw new GatewayError(
        { code: "job_id_reused", status: 422 },
        "The job exists with another message. Use another jobId for other work.",
      )
    case "revoked":
    case "unknown":
      throw new GatewayError(
        { code: "session_not_found", status: 404 },
        "The session does not exist, has expired or was revoked.",
      )
    default:
      return outcome satisfies never
  }
}
