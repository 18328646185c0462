import type { OpenAPIHono } from "@hono/zod-openapi"
import { GatewayError } from "../../../core/errors.ts"
import type { Json, JsonObject } from "../../../core/json/json.ts"
import type { Session } from "../../../core/ports/store/session-log.ts"
import type { HttpEnv } from "../../../http/http-env.ts"
import { requireStartedRun } from "../../../http/put-outcome.ts"
import type { WireParts } from "../../../http/wire-routes.ts"
import { acceptMessage } from "../../../kernel/sessions/accept-message.ts"
import { awaitRun } from "../await-run.ts"
import { readBody } from "../body.ts"
import {
  createRequestSource,
  type Exchange,
  isKeyHolder,
  requireManySessions,
  selectInstructions,
} from "../context.ts"
import { withoutPrefix } from "../ids.ts"
import { readModel } from "../models.ts"
import { type Repetition, readRepetition } from "../repetition.ts"
import { toClientTool } from "../tools.ts"
import { toChatUsage } from "./ending.ts"
import { type ChatPiece, emptyChat, foldChat, parkChat } from "./fold.ts"
import { listChatImages, type ReadChat, readChat } from "./read-messages.ts"
import { type ChatRequest, chatSchema } from "./schemas.ts"
import { type ChatFacts, chatWire, openChatStream } from "./wire.ts"

/** Milliseconds that the session of a request is kept after its end. The client has the conversation. */
const keepMs = 3_600_000

/** Adds Chat Completions: https://platform.openai.com/docs/api-reference/chat */
export function addChatRoutes(app: OpenAPIHono<HttpEnv>, parts: WireParts): void {
  const { newWork, chatBody } = parts.middleware
  app.post("/v1/chat/completions", newWork, chatBody, async (c) => {
    const exchange = { c, parts }
    const body = await readBody(c, chatSchema)
    requireManySessions(exchange)
    const { principal } = c.get("caller")
    const { signal } = c.req.raw
    const images = await parts.readImages(listChatImages(body.messages), { owner: principal, signal })
    const chat = readChat(body.messages, images)
    const { agent, model } = readModel(exchange, body.model)
    const repetition = await readRepetition(exchange, body as Json)
    const session = await repetition.openSession(agent, { keepMs })
    const start = () => startRun(exchange, { body, chat, session, model, repetition })
    if (body.stream !== true) return c.json(await complete(exchange, body, { session, ...(await start()) }))
    c.set("session", session)
    return parts.streams.respond(c, session.id, async () => {
      const { runId, cursor, position, isNewRun } = await start()
      const includeUsage = body.stream_options?.include_usage === true
      return {
        wire: chatWire,
        opening: openChatStream(createFacts(body, { runId, includeUsage, now: parts.clock.now() })),
        ...{ sessionId: session.id, principal, runId, position, isNewRun },
        ...{ afterSeq: cursor, fromRunStart: true },
      }
    })
  })
}

interface NewChat {
  readonly body: ChatRequest
  readonly chat: ReadChat
  readonly session: Session
  readonly model: string | null
  readonly repetition: Repetition
}

async function startRun(exchange: Exchange, { body, chat, session, model, repetition }: NewChat) {
  const { c, parts } = exchange
  const rules = parts.agents.of(session)
  const instructions = selectInstructions(exchange, chat.instructions)
  const clientTools = (body.tools ?? []).map((tool) => toClientTool(tool.function))
  const outputSchema = toOutputSchema(body.response_format)
  const outcome = await repetition.start([], (idempotency) =>
    acceptMessage(parts.sessions, {
      ...{ session, rules, idempotency, model },
      signal: c.req.raw.signal,
      input: chat.input,
      handsOverCalls: true,
      ...(instructions !== undefined && { instructions }),
      ...(clientTools.length > 0 && { clientTools, byKeyHolder: isKeyHolder(exchange) }),
      ...(outputSchema !== null && { outputSchema }),
      ...(rules.usesRequests && { request: createRequestSource(exchange) }),
    }),
  )
  return { ...requireStartedRun(outcome), isNewRun: outcome.status === "accepted" }
}

function toOutputSchema(format: ChatRequest["response_format"]): JsonObject | null {
  if (format?.type === "json_schema") return format.json_schema.schema ?? { type: "object" }
  return format?.type === "json_object" ? { type: "object" } : null
}

function createFacts(
  { model }: ChatRequest,
  {
    runId,
    now,
    includeUsage,
  }: { readonly runId: string; readonly now: number; readonly includeUsage: boolean },
): ChatFacts {
  const created = Math.floor(now / 1_000)
  return { id: `chatcmpl-${withoutPrefix(runId)}`, model, created, includeUsage }
}

interface StartedChat {
  readonly session: Session
  readonly runId: string
  readonly cursor: number
  readonly isNewRun: boolean
}

/** Resolves to the whole completion. */
async function complete(exchange: Exchange, body: ChatRequest, started: StartedChat): Promise<JsonObject> {
  const pieces: ChatPiece[] = []
  let state = emptyChat
  const waits = await awaitRun(exchange, { ...started, sessionId: started.session.id }, (entry) => {
    const [next, more] = foldChat(state, entry)
    state = next
    pieces.push(...more)
    return false
  })
  if (!state.isOver) pieces.push(...parkChat(state, waits)[1])
  return describeCompletion(
    createFacts(body, { runId: started.runId, includeUsage: false, now: exchange.parts.clock.now() }),
    pieces,
  )
}

function describeCompletion({ id, model, created }: ChatFacts, pieces: readonly ChatPiece[]): JsonObject {
  const last = pieces.at(-1)
  if (last?.type !== "end") throw new Error("A completion ends with its end.")
  const { end, calls, usage } = last
  if (end.type === "failed") throw new GatewayError({ code: end.code, status: 500 }, end.message)
  const join = (type: "content" | "reasoning_content") =>
    pieces.map((each) => (each.type === type ? each.text : "")).join("")
  const [content, reasoning] = [join("content"), join("reasoning_content")]
  const message = {
    role: "assistant",
    content: content === "" && calls.length > 0 ? null : content,
    refusal: null,
    ...(reasoning !== "" && { reasoning_content: reasoning }),
    ...(calls.length > 0 && { tool_calls: calls }),
  }
  const choice = { index: 0, message, logprobs: null, finish_reason: end.reason }
  // Calls are JSON, which their type does not say.
  const choices = [choice] as unknown as Json
  return {
    ...{ id, object: "chat.completion", created, model, choices, usage: toChatUsage(usage) },
    ...{ service_tier: "default", system_fingerprint: null },
  }
}
