import { createHash } from "node:crypto"
import type { Json } from "../../../core/json/json.ts"
import type { Wait } from "../../../core/ports/store/approvals.ts"
import type { MessageInput, Run, Session } from "../../../core/ports/store/session-log.ts"
import { Problem } from "../../../http/problem.ts"
import { requireStartedRun } from "../../../http/put-outcome.ts"
import { acceptMessage } from "../../../kernel/sessions/accept-message.ts"
import { requireAccepted } from "../../../kernel/sessions/answering/require-accepted.ts"
import type { GivenAnswer } from "../../../kernel/sessions/sessions.ts"
import { joinText } from "../content.ts"
import {
  createRequestSource,
  type Exchange,
  findOwnSession,
  isKeyHolder,
  requireManySessions,
  selectInstructions,
} from "../context.ts"
import { createUnsupported } from "../errors.ts"
import {
  formatSubAgentSegment,
  hashLength,
  parseCallId,
  parseResponseId,
  type ResponsePlace,
} from "../ids.ts"
import { readModel, selectDefaultAgent } from "../models.ts"
import { type Repetition, readRepetition } from "../repetition.ts"
import { readResult } from "../results.ts"
import { segmentWire } from "./fold.ts"
import { listInputImages, listItems, type ReadInput, readInput } from "./read-input.ts"
import { findResponse } from "./read-response.ts"
import { readTools } from "./read-tools.ts"
import { type References, readReferences } from "./references.ts"
import { toRunContext } from "./response-object.ts"
import type { OutputFormat, ResponseRequest } from "./schemas.ts"

/** A response whose run is durable (rule 1). */
export interface StartedResponse {
  readonly place: ResponsePlace
  readonly cursor: number
  /** Position of a run that must wait. */
  readonly position?: number | undefined
  /** If true, the request itself started the run. */
  readonly isNewRun: boolean
}

/** A request whose session is known. `start` accepts it, at most once. */
export interface PreparedResponse {
  readonly session: Session
  start(): Promise<StartedResponse>
}

/** Milliseconds that a response with `store: false` is kept after its end, for clients that read slowly. */
const keepUnstoredMs = 60_000

/**
 * Finds the session of a request: that of the conversation, of the previous response, or of the calls that it answers.
 * Otherwise the request has a new session.
 */
export async function prepareResponse(exchange: Exchange, body: ResponseRequest): Promise<PreparedResponse> {
  const { c, parts } = exchange
  const items = listItems(body.input)
  const { principal } = c.get("caller")
  const images = await parts.readImages(listInputImages(items), {
    owner: principal,
    signal: c.req.raw.signal,
  })
  const repetition = await readRepetition(exchange, body as Json)
  const previous =
    body.previous_response_id == null ? null : await findPrevious(exchange, body.previous_response_id)
  const conversation = typeof body.conversation === "string" ? body.conversation : body.conversation?.id
  const inConversation = previous !== null || conversation !== undefined || c.get("caller").session !== null
  const references = await readReferences(exchange, items, { isLogged: inConversation })
  const input = readInput(items, { images, references })
  const answered = await findAnswered(exchange, { body, input, previous })
  if (answered !== null) {
    if (input.content.length > 0 && !input.hasHistory)
      throw createUnsupported("input", "Send results and a new message of the user in two requests.")
    return prepareAnswer(exchange, { ...answered, body, repetition })
  }
  return prepareRun(exchange, { body, input, references, previous, conversation, inConversation, repetition })
}

interface Previous {
  readonly session: Session
  readonly run: Run
  readonly id: string
}

async function findPrevious(exchange: Exchange, id: string): Promise<Previous> {
  const place = parseResponseId(id)
  const found = place && (await findResponse(exchange, place))
  if (found !== null) return { ...found, id }
  throw new Problem(
    { code: "previous_response_not_found", status: 404 },
    `There is no stored response ${id}, or it has expired.`,
  )
}

interface Answered {
  readonly session: Session
  readonly answers: readonly GivenAnswer[]
  readonly run: Run
  /** Identifies the response that the answers start. */
  readonly segment: string
}

/** Resolves to the answers to calls that wait. Null if the request answers none, and starts a run. */
async function findAnswered(
  exchange: Exchange,
  {
    body,
    input,
    previous,
  }: { readonly body: ResponseRequest; readonly input: ReadInput; readonly previous: Previous | null },
): Promise<Answered | null> {
  const given = [
    ...input.results.map((result) => ({ id: result.call_id, result, approval: null })),
    ...input.approvals.map((approval) => ({ id: approval.approval_request_id, result: null, approval })),
  ]
  const places = given.flatMap((each) => {
    const place = parseCallId(each.id)
    return place === null ? [] : [{ ...each, place }]
  })
  const last = places.at(-1)
  if (last === undefined) return null
  const root = await findRoot(exchange, last.place.sessionId)
  if (root === null || (previous !== null && previous.session.id !== root.id)) return null
  const waits = await exchange.parts.sessions.openWaits({ sessionId: root.id })
  const decidedBy = exchange.parts.deciderOf(exchange.c)
  const ids: string[] = []
  const answers = places.flatMap(({ id, place, result, approval }): readonly GivenAnswer[] => {
    const kind = result === null ? "approval" : "clientTool"
    const wait = waits.find((each) => each.kind === kind && isAt(each, place))
    if (wait === undefined) return []
    ids.push(id)
    const target = { sessionId: wait.sessionId, toolCallId: wait.toolCallId, nonce: wait.nonce, decidedBy }
    if (result !== null)
      return [{ ...target, kind: "clientTool", result: readResult(joinText(result.output)) }]
    const { approve: approved, reason } = approval
    return [{ ...target, kind: "approval", approved, ...(reason && { reason }) }]
  })
  // A repeated request finds the waits answered, and the response that it has started.
  const sent = ids.length > 0 ? ids : places.map(({ id }) => id)
  const hash = createSegment(body.previous_response_id ?? null, sent)
  const call = places.some(({ place }) => place.sessionId === root.id)
    ? null
    : await findSubAgentCall(exchange, last.place.sessionId)
  const segment = call === null ? hash : formatSubAgentSegment(call, hash)
  const run = previous?.run ?? root.activeRun
  if (run === null) return null
  if (answers.length === 0 && previous === null) return null
  requireEveryResult(waits, { root, ids })
  return { session: root, run: root.activeRun ?? run, answers, segment }
}

/**
 * Resolves to the root of a session's tree. Null if the caller has no such session: a conversation may contain calls of
 * another service, or of a deleted session.
 */
async function findRoot(exchange: Exchange, sessionId: string): Promise<Session | null> {
  const session = await exchange.parts.sessions.session(sessionId)
  return session && findOwnSession(exchange, session.rootId)
}

function isAt(
  { sessionId, toolCallId }: Wait,
  place: { readonly sessionId: string; readonly toolCallId: string },
): boolean {
  return sessionId === place.sessionId && toolCallId === place.toolCallId
}

/** Resolves to the call of the root whose sub-agent, or a sub-agent of that one, has the session. */
async function findSubAgentCall({ parts }: Exchange, sessionId: string): Promise<string | null> {
  let parent = (await parts.sessions.session(sessionId))?.parent ?? null
  for (;;) {
    const above = parent === null ? null : await parts.sessions.session(parent.sessionId)
    if (parent === null || above === null) return null
    if (above.parent === null) return parent.toolCallId
    parent = above.parent
  }
}

/** The API answers all calls of a response at once. */
function requireEveryResult(
  waits: readonly Wait[],
  { root, ids }: { readonly root: Session; readonly ids: readonly string[] },
): void {
  if (ids.length === 0) return
  const calls = ids.map((id) => parseCallId(id)?.toolCallId)
  const missing = waits.find(
    (each) => each.kind === "clientTool" && each.sessionId === root.id && !calls.includes(each.toolCallId),
  )
  if (missing === undefined) return
  throw new Problem(
    { code: "missing_tool_output", status: 400 },
    `There is no output for the call of ${missing.toolName}. Send the outputs of all calls in one request.`,
  )
}

/** The same answers have the same segment, so that a repeated request finds it. */
function createSegment(previous: string | null, ids: readonly string[]): string {
  return createHash("sha256")
    .update(JSON.stringify([previous, ids.toSorted()]))
    .digest("hex")
    .slice(0, hashLength)
}

function prepareAnswer(
  { parts: { sessions } }: Exchange,
  {
    session,
    run,
    answers,
    segment,
    body,
    repetition,
  }: Answered & { readonly body: ResponseRequest; readonly repetition: Repetition },
): PreparedResponse {
  requireStored(body)
  return {
    session,
    async start() {
      const isRepeated = answers.length === 0 && repetition.isPossible
      if (!isRepeated) {
        if (answers.length === 0)
          throw new Problem({ code: "already_answered", status: 409 }, "The calls were answered before.")
        const named = answers.map((answer) => ({ ...answer, segment: { wire: segmentWire, id: segment } }))
        const outcomes = await sessions.answerAll(named)
        for (const outcome of Array.isArray(outcomes) ? outcomes : [outcomes]) requireAccepted(outcome)
      }
      const place = { sessionId: session.id, runId: run.id, segment, isStored: true }
      return { place, cursor: run.cursor, isNewRun: false }
    },
  }
}

function requireStored({ store }: ResponseRequest): void {
  if (store !== false) return
  throw createUnsupported("store", "A response that continues a stored one must be stored as well.")
}

interface NewRun {
  readonly body: ResponseRequest
  readonly input: ReadInput
  readonly references: References
  readonly previous: Previous | null
  readonly conversation: string | undefined
  /** If true, the session of the request exists already, or belongs to a conversation. */
  readonly inConversation: boolean
  readonly repetition: Repetition
}

async function prepareRun(exchange: Exchange, given: NewRun): Promise<PreparedResponse> {
  const { body, input, references, previous, conversation, inConversation, repetition } = given
  const { c, parts } = exchange
  const { sessions, agents } = parts
  const { agent, model } =
    body.model === undefined ? { agent: undefined, model: null } : readModel(exchange, body.model)
  const isStored = body.store !== false
  requireConsistent(body)
  const session = await findSession()
  if (inConversation && [...references.rootIds].some((id) => id !== session.rootId))
    throw createUnsupported("input", "The input names items of another conversation.")
  const message = selectMessage(input, inConversation)
  const clientTools = readTools(body.tools ?? [], agents.of(session))
  return {
    session,
    async start() {
      const runs = await listNewestRuns(exchange, session)
      const instructions = selectInstructions(exchange, [body.instructions, ...input.instructions])
      const outputSchema = toOutputSchema(body.text?.format)
      const outcome = await repetition.start(runs, (idempotency) =>
        acceptMessage(sessions, {
          idempotency,
          session,
          rules: agents.of(session),
          signal: c.req.raw.signal,
          input: message,
          model,
          context: toRunContext({
            model: body.model ?? session.agent,
            metadata: body.metadata ?? {},
            background: body.background === true,
            previous_response_id: body.previous_response_id ?? null,
            conversation: conversation ?? null,
          }),
          ...(outputSchema !== null && { outputSchema }),
          ...(instructions !== undefined && { instructions }),
          ...(clientTools.length > 0 && { clientTools, byKeyHolder: isKeyHolder(exchange) }),
          ...(!isStored && { handsOverCalls: true }),
          ...(agents.of(session).usesRequests && { request: createRequestSource(exchange) }),
        }),
      )
      const { runId, cursor, position } = requireStartedRun(outcome)
      const place = { sessionId: session.id, runId, segment: null, isStored }
      return { place, cursor, position, isNewRun: outcome.status === "accepted" }
    },
  }

  async function findSession(): Promise<Session> {
    if (previous !== null) return requireLast(exchange, previous, repetition)
    if (inConversation) return parts.conversations.open(c, { id: conversation, agent })
    const name = agent ?? selectDefaultAgent(exchange)
    return repetition.openSession(name, isStored ? {} : { keepMs: keepUnstoredMs })
  }

  function requireConsistent({ background, store }: ResponseRequest): void {
    if (previous !== null && conversation !== undefined)
      throw createUnsupported("conversation", "Send either conversation or previous_response_id.")
    if (background === true && !isStored)
      throw createUnsupported("background", "A response in the background must be stored.")
    if (store === false && (previous !== null || conversation !== undefined))
      throw createUnsupported("store", "A response of a conversation must be stored.")
    if (input.hasHistory && previous === null && conversation === undefined) requireManySessions(exchange)
    if (!isStored) requireManySessions(exchange)
    if (previous !== null && agent !== undefined && agent !== previous.session.agent)
      throw createUnsupported("model", `The previous response is one of the agent ${previous.session.agent}.`)
  }
}

/** Resolves to the ids of the newest two runs of a session, the newest one first. */
async function listNewestRuns({ parts }: Exchange, session: Session): Promise<readonly string[]> {
  const { items } = await parts.directory.runs({ sessionId: session.id, limit: 2 })
  return items.map(({ id }) => id)
}

/** A session continues at its end only. A repeated request may have continued it already. */
async function requireLast(
  exchange: Exchange,
  { session, run, id }: Previous,
  { isPossible }: Repetition,
): Promise<Session> {
  const [newest = run.id, former] = await listNewestRuns(exchange, session)
  if (newest === run.id || (isPossible && former === run.id)) return session
  throw new Problem(
    { code: "previous_response_not_last", status: 400 },
    `The conversation has gone on after ${id}, and cannot continue from there. Use its last response.`,
  )
}

/** In a conversation, the gateway's own history counts (rule 13), so only the user's messages are new. */
function selectMessage({ content, messages, hasHistory }: ReadInput, inConversation: boolean): MessageInput {
  const last = messages.at(-1)?.role
  if (hasHistory && !inConversation && (last === "user" || last === "tool"))
    return { type: "conversation", messages }
  if (content.length > 0 && !(hasHistory && last === "assistant" && !inConversation))
    return { type: "message", content }
  throw new Problem(
    { code: "no_user_message", status: 400 },
    "The input has no new message of the user and no result of a waiting call. Send one of them.",
  )
}

function toOutputSchema(format: OutputFormat | null | undefined) {
  if (format?.type === "json_schema") return format.schema
  return format?.type === "json_object" ? { type: "object" } : null
}
