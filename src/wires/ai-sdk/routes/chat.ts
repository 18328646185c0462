import type { OpenAPIHono } from "@hono/zod-openapi"
import type { Context } from "hono"
import type { Run, Session } from "../../../core/ports/store/session-log.ts"
import { parseTraceparent } from "../../../core/runs/trace-context.ts"
import type { HttpEnv } from "../../../http/http-env.ts"
import { createInvalidBody, Problem } from "../../../http/problem.ts"
import { requireStartedRun } from "../../../http/put-outcome.ts"
import { toFieldErrors } from "../../../http/request/field-errors.ts"
import type { EventStreamRequest } from "../../../http/streams/stream-response.ts"
import type { WireParts } from "../../../http/wire-routes.ts"
import { acceptMessage } from "../../../kernel/sessions/accept-message.ts"
import { requireAccepted } from "../../../kernel/sessions/answering/require-accepted.ts"
import type { Sessions } from "../../../kernel/sessions/sessions.ts"
import { readAnswers } from "../read-answers.ts"
import { readContent, readLastMessage, readMessageKey } from "../read-message.ts"
import { type ChatBody, chatBodySchema, type LastMessage, parkedMetadataSchema } from "../schemas.ts"
import { createRunStream, respondWithNothing } from "../stream-run.ts"

/** The trigger with which `useChat` asks for another response to the same message. */
const regenerate = "regenerate-message"

/** POST /ai-sdk/chat takes a message of the user, or answers to open questions, and streams the response. */
export function addChatRoute(app: OpenAPIHono<HttpEnv>, prefix: string, parts: WireParts): void {
  const { middleware, conversations, streams } = parts
  const { byCaller, newWork, chatBody } = middleware
  app.on("POST", [`${prefix}/chat`], ...byCaller, newWork, chatBody, async (c) => {
    const body = parseBody(await c.req.json())
    const choice = { id: body.id, agent: c.req.param("agent") }
    if (body.trigger === regenerate) {
      const session = await conversations.find(c, choice)
      c.set("session", session)
      return streams.respond(c, session.id, () => writeAgain(c, parts, { session, body }))
    }
    const message = readLastMessage(body)
    if (message.role === "user") {
      const session = await conversations.open(c, choice)
      c.set("session", session)
      return streams.respond(c, session.id, () => startRun(c, parts, { session, body, message }))
    }
    const session = await conversations.find(c, choice)
    c.set("session", session)
    return continueRun(c, parts, { session, message })
  })
}

function parseBody(value: unknown): ChatBody {
  const { data, error } = chatBodySchema.safeParse(value)
  if (error !== undefined) throw createInvalidBody(toFieldErrors(error))
  return data
}

async function startRun(
  c: Context<HttpEnv>,
  { sessions, agents, readImages }: WireParts,
  {
    session,
    body,
    message,
  }: { readonly session: Session; readonly body: ChatBody; readonly message: LastMessage },
): Promise<EventStreamRequest> {
  const { signal } = c.req.raw
  const { context, model = null, when_busy: whenBusy } = body
  const content = await readContent(message, (images) => readImages(images, { owner: session, signal }))
  const traceparent = parseTraceparent(c.req.header("traceparent"))
  const outcome = await acceptMessage(sessions, {
    ...{ session, rules: agents.of(session), signal, model, toolInputDeltas: true },
    input: { type: "message", content },
    ...(context !== undefined && { context }),
    ...(traceparent !== null && { traceparent }),
    ...(whenBusy !== undefined && { whenBusy }),
    idempotency: await readMessageKey(message),
  })
  if (outcome.status === "keyReused")
    throw new Problem(
      { code: "edit_not_supported", status: 422 },
      "This gateway cannot replace a message. Send a new message instead.",
    )
  const { runId, cursor, position } = requireStartedRun(outcome)
  if (outcome.status === "steered")
    return createRunStream(session, "steered", { runId, afterSeq: Math.max(cursor, session.lastSeq) })
  const isNewRun = outcome.status === "accepted"
  return createRunStream(session, "new", { runId, afterSeq: cursor, position, fromRunStart: true, isNewRun })
}

/** Starts a run that repeats the message of an earlier run and takes its place (rule 20, superseding). */
async function writeAgain(
  c: Context<HttpEnv>,
  { sessions, agents }: WireParts,
  { session, body }: { readonly session: Session; readonly body: ChatBody },
): Promise<EventStreamRequest> {
  const { context, model = null, messageId } = body
  const run = await findShownRun(sessions, session, messageId)
  if (run === null)
    throw new Problem(
      { code: "run_not_found", status: 404 },
      "This message cannot be written again. Send a new message instead.",
    )
  const traceparent = parseTraceparent(c.req.header("traceparent"))
  const outcome = await acceptMessage(sessions, {
    ...{ session, rules: agents.of(session), signal: c.req.raw.signal, model, toolInputDeltas: true },
    input: null,
    supersede: { runId: run.id },
    ...(context !== undefined && { context }),
    ...(traceparent !== null && { traceparent }),
  })
  const { runId, cursor, position } = requireStartedRun(outcome)
  return createRunStream(session, "new", {
    runId,
    afterSeq: cursor,
    position,
    fromRunStart: true,
    isNewRun: true,
  })
}

/** Resolves to the run that a message of the assistant shows: the newest run without an id. Null if there is none. */
async function findShownRun(
  sessions: Pick<Sessions, "run" | "newestRun">,
  { id }: Session,
  messageId: string | undefined,
): Promise<Run | null> {
  if (messageId === undefined) return sessions.newestRun(id)
  // Further messages of a run have the id of the run and a number.
  return (await sessions.run(id, messageId)) ?? (await sessions.run(id, messageId.replace(/_\d+$/, "")))
}

/**
 * Stores the answers in the client's message, and streams what follows the place at which the client's last response
 * ended. Without an answer, no run starts.
 */
async function continueRun(
  c: Context<HttpEnv>,
  { sessions, streams, deciderOf }: WireParts,
  { session, message }: { readonly session: Session; readonly message: LastMessage },
): Promise<Response> {
  const found = await findRun(session, message, (runId) => sessions.run(session.id, runId))
  if (found === null) return respondWithNothing(c)
  const { run, afterSeq } = found
  const waits = await sessions.openWaits({ sessionId: session.id })
  const answers = readAnswers(message, waits, deciderOf(c))
  if (answers.length === 0 && run.endSeq !== null && run.endSeq <= afterSeq) return respondWithNothing(c)
  return streams.respond(c, session.id, async () => {
    if (answers.length > 0) {
      const outcomes = await sessions.answerAll(answers)
      if ("status" in outcomes) requireAccepted(outcomes)
    }
    return createRunStream(session, "continued", { runId: run.id, afterSeq })
  })
}

/** Resolves to the run of the client's message, and to the place in it at which the client's last response ended. */
async function findRun(
  session: Session,
  { metadata }: LastMessage,
  findById: (runId: string) => Promise<Run | null>,
): Promise<{ readonly run: Run; readonly afterSeq: number } | null> {
  const { data } = parkedMetadataSchema.safeParse(metadata)
  const run = data === undefined ? session.activeRun : await findById(data.runId)
  if (run === null) return null
  const cursor = data?.cursor ?? session.lastSeq
  return { run, afterSeq: Math.max(run.cursor, Math.min(cursor, session.lastSeq)) }
}
