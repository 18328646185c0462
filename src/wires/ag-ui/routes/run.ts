import type { OpenAPIHono } from "@hono/zod-openapi"
import type { Context } from "hono"
import type { ContentPart } from "../../../core/history/messages.ts"
import type { Session } from "../../../core/ports/store/session-log.ts"
import { parseTraceparent } from "../../../core/runs/trace-context.ts"
import type { HttpEnv } from "../../../http/http-env.ts"
import { createInvalidBody } from "../../../http/problem.ts"
import { requireStartedRun } from "../../../http/put-outcome.ts"
import { toFieldErrors } from "../../../http/request/field-errors.ts"
import type { EventStreamRequest } from "../../../http/streams/stream-response.ts"
import type { WireParts } from "../../../http/wire-routes.ts"
import { acceptMessage } from "../../../kernel/sessions/accept-message.ts"
import { requireAccepted } from "../../../kernel/sessions/answering/require-accepted.ts"
import type { GivenAnswer } from "../../../kernel/sessions/sessions.ts"
import { toAnswers } from "../accept/answers.ts"
import { type RunRequest, readInput, type UserPart } from "../accept/read-input.ts"
import type { Cursor } from "../cursor.ts"
import type { StreamViewer } from "../fold/opening.ts"
import { readLastEventId } from "../last-event-id.ts"
import { readSnapshot } from "../read-snapshot.ts"
import { respondIdle } from "../respond-idle.ts"
import { deriveRunId, findNamedRun, type NamedRun } from "../run-ids.ts"
import { type RunAgentInput, runAgentInputSchema } from "../schemas/run-agent-input.ts"
import { createRunStream } from "../stream-run.ts"
import { addMessageId } from "../user-message-id.ts"

/** A request, with the session that it belongs to. */
interface Given {
  readonly session: Session
  readonly input: RunAgentInput
  readonly request: RunRequest
  /** The place at which the client continues. Null if it does not. */
  readonly received: Cursor | null
}

/**
 * POST /ag-ui takes a message of the user, answers to interrupts, and results of the client's tools, and streams the
 * run. A repeated request streams the same run again.
 */
export function addRunRoute(app: OpenAPIHono<HttpEnv>, path: string, parts: WireParts): void {
  const { middleware, conversations, sessions, streams, deciderOf } = parts
  const { byCaller, newWork, chatBody } = middleware
  app.on("POST", [path], ...byCaller, newWork, chatBody, async (c) => {
    const input = parseInput(await c.req.json())
    const request = readInput(input)
    const received = readLastEventId(c)
    const session = await conversations.open(c, { id: input.threadId, agent: c.req.param("agent") })
    c.set("session", session)
    const given = { session, input, request, received }
    const known = await sessions.run(session.id, deriveRunId(session, input.runId))
    const hasMessage = known === null && request.parts.length > 0
    // CopilotKit answers with the id of the run that asked. The id of an earlier run answers nothing.
    const isEarlier = known !== null && known.id !== session.activeRun?.id
    const waits = mayAnswer(request) && !isEarlier ? await sessions.openWaits({ sessionId: session.id }) : []
    const facts = { runId: input.runId, decidedBy: deciderOf(c) }
    const answers = toAnswers(request, waits, facts)
    if (answers.length === 0 && !hasMessage) {
      return streamKnown(c, parts, given, known === null ? null : { run: known, isOwn: true })
    }
    return streams.respond(c, session.id, async () => {
      const isAccepted = await storeAnswers(parts, answers)
      if (hasMessage) return startRun(c, parts, given, answers.length > 0)
      const run = session.activeRun
      // Only an open run has open waits.
      if (run === null) throw new Error("The session of an open wait has no open run.")
      // The answer of another client may have come first, and its part of the run has another id.
      const viewer = { ...createViewer(input, session.lastSeq), isAuthor: isAccepted, isWhole: !isAccepted }
      return createRunStream(session, { run, viewer, received: null, snapshot: null })
    })
  })
}

function parseInput(value: unknown): RunAgentInput {
  const { data, error } = runAgentInputSchema.safeParse(value)
  if (error !== undefined) throw createInvalidBody(toFieldErrors(error))
  return data
}

function mayAnswer({ resume, results }: RunRequest): boolean {
  return resume.size > 0 || results.size > 0
}

function createViewer({ threadId, runId, protocolVersion }: RunAgentInput, from: number): StreamViewer {
  const isFormer = protocolVersion == null
  return { threadId, runId, from, isFormer, isWhole: false, isAuthor: false, hasSteered: false }
}

/** Resolves to false if all answers came too late. Rejects with a problem if one is not valid. */
async function storeAnswers({ sessions }: WireParts, answers: readonly GivenAnswer[]): Promise<boolean> {
  if (answers.length === 0) return false
  const outcomes = await sessions.answerAll(answers)
  if ("status" in outcomes) requireAccepted(outcomes)
  return !("status" in outcomes) && outcomes.some(({ status }) => status === "accepted")
}

async function startRun(
  c: Context<HttpEnv>,
  { sessions, agents, readImages, allowSystemMessages }: WireParts,
  { session, input, request, received }: Given,
  hasAnswers: boolean,
): Promise<EventStreamRequest> {
  const { signal } = c.req.raw
  const id = deriveRunId(session, input.runId)
  const byKeyHolder = c.get("caller").credential === "apiKey"
  const { instructions, clientTools, context, messageId } = request
  const traceparent = parseTraceparent(c.req.header("traceparent"))
  const outcome = await acceptMessage(sessions, {
    ...{ session, rules: agents.of(session), signal, runId: id },
    context: addMessageId(context, id, messageId),
    input: { type: "message", content: await readContent(request.parts, { session, readImages, signal }) },
    ...(byKeyHolder && { byKeyHolder }),
    ...(instructions !== null && (byKeyHolder || allowSystemMessages) && { instructions }),
    ...(clientTools.length > 0 && { clientTools }),
    ...(traceparent !== null && { traceparent }),
    // A message that comes with an answer belongs to the run that asked.
    ...(hasAnswers && { whenBusy: "steer" as const }),
    idempotency: { key: id, bodyHash: id },
  })
  const { runId, cursor, position } = requireStartedRun(outcome)
  const hasSteered = outcome.status === "steered" || runId !== id
  const from = hasSteered ? session.lastSeq : cursor
  const viewer = { ...createViewer(input, from), isAuthor: true, hasSteered }
  const run = { id: runId, cursor }
  const isNewRun = outcome.status === "accepted"
  return createRunStream(session, {
    ...{ run, viewer, position, isNewRun, snapshot: null },
    received: isNewRun ? null : received,
  })
}

async function readContent(
  parts: readonly UserPart[],
  { session, readImages, signal }: Pick<WireParts, "readImages"> & { session: Session; signal: AbortSignal },
): Promise<readonly ContentPart[]> {
  const given = parts.filter((part) => part.type === "image")
  const images = (await readImages(given, { owner: session, signal })).values()
  return parts.flatMap((part) => (part.type === "text" ? part : (images.next().value ?? [])))
}

/** Streams a run that a request before this one started, or that is open. No run starts. */
async function streamKnown(
  c: Context<HttpEnv>,
  parts: WireParts,
  { session, input, request: { resultIds }, received }: Given,
  known: NamedRun | null,
): Promise<Response> {
  const { signal } = c.req.raw
  const found = known ?? (await findNamedRun(parts.sessions, session, undefined))
  if (found === null)
    return respondIdle(c, parts, session, { viewer: createViewer(input, session.lastSeq), resultIds })
  const { run, isOwn } = found
  return parts.streams.respond(c, session.id, async () => {
    const position = await parts.sessions.position(session.id, run.id)
    // A client that continues has its own message. Another one may have lost what it knew.
    const isContinued = received !== null
    const from = isOwn || !isContinued ? run.cursor : received.seq
    const viewer = { ...createViewer(input, from), isWhole: !isOwn && !isContinued, isAuthor: isContinued }
    const range = { before: run, resultIds, signal }
    const snapshot = isContinued ? null : await readSnapshot(parts, session, range)
    return createRunStream(session, { run, viewer, position, received, snapshot })
  })
}
