import type { OpenAPIHono } from "@hono/zod-openapi"
import type { ImagePart } from "../../../core/history/messages.ts"
import type { JsonObject } from "../../../core/json/json.ts"
import type { Session } from "../../../core/ports/store/session-log.ts"
import type { HttpEnv } from "../../../http/http-env.ts"
import { respondText } from "../../../http/respond.ts"
import { eventStreamType } from "../../../http/streams/server-sent-events.ts"
import type { Frame } from "../../../http/streams/wire.ts"
import type { WireParts } from "../../../http/wire-routes.ts"
import { readBody } from "../body.ts"
import type { Exchange } from "../context.ts"
import { createNotFound, createUnsupported } from "../errors.ts"
import { continueAfter } from "../frames.ts"
import { formatItemId, formatResponseId, parseResponseId, type ResponsePlace } from "../ids.ts"
import { type PreparedResponse, prepareResponse } from "./accept.ts"
import { showResponse } from "./fold.ts"
import { awaitResponse, type FoundResponse, findResponse, readResponse, readStored } from "./read-response.ts"
import { createResponse, toRunContext } from "./response-object.ts"
import { requestSchema } from "./schemas.ts"
import { type ResponseState, startResponse } from "./state.ts"
import { responsesWire, responsesWireAfter } from "./wire.ts"

/** Adds the Responses API: https://platform.openai.com/docs/api-reference/responses */
export function addResponsesRoutes(app: OpenAPIHono<HttpEnv>, parts: WireParts): void {
  const { newWork, chatBody } = parts.middleware
  app.post("/v1/responses", newWork, chatBody, async (c) => {
    const exchange = { c, parts }
    const body = await readBody(c, requestSchema)
    const prepared = await prepareResponse(exchange, body)
    if (body.stream === true) return streamNew(exchange, prepared)
    const started = await prepared.start()
    if (body.background === true) return c.json(await showNow(exchange, started.place))
    const { final } = await awaitResponse(exchange, started.place, started)
    return c.json(final)
  })

  app.get("/v1/responses/:id", async (c) => {
    const exchange = { c, parts }
    const found = await requireResponse(exchange, c.req.param("id"))
    if (c.req.query("stream") !== "true") return c.json(show(found, await readStored(exchange, found)))
    return streamAgain(exchange, found, readStartingAfter(c.req.query("starting_after")))
  })

  app.post("/v1/responses/:id/cancel", parts.middleware.optionalBody, async (c) => {
    const exchange = { c, parts }
    const { session, run, place } = await requireResponse(exchange, c.req.param("id"))
    const outcome = await parts.sessions.cancel(session.id, run.id)
    if (outcome.status === "accepted")
      await awaitResponse(exchange, place, { cursor: run.cursor, isNewRun: false })
    return c.json(await showNow(exchange, place))
  })

  app.delete("/v1/responses/:id", async (c) => {
    const exchange = { c, parts }
    const { session, place } = await requireResponse(exchange, c.req.param("id"))
    if (session.parent !== null) throw createNotFound("There is no such response.")
    // Housekeeping deletes the session, which can no longer be used from now on.
    await parts.sessions.revoke(session.id, { keepMs: 0 })
    return c.json({ id: formatResponseId(place), object: "response", deleted: true })
  })

  app.get("/v1/responses/:id/input_items", async (c) => {
    const exchange = { c, parts }
    const { state } = await readStored(exchange, await requireResponse(exchange, c.req.param("id")))
    const data = listInput(state)
    return c.json({
      object: "list",
      data,
      first_id: data[0]?.id ?? null,
      last_id: data.at(-1)?.id ?? null,
      has_more: false,
    })
  })
}

async function requireResponse(exchange: Exchange, id: string): Promise<FoundResponse> {
  const place = parseResponseId(id)
  const found = place && (await findResponse(exchange, place))
  if (found === null) throw createNotFound("There is no such response, or it has expired.")
  return found
}

async function showNow(exchange: Exchange, place: ResponsePlace): Promise<JsonObject> {
  const found = await requireResponse(exchange, formatResponseId(place))
  return show(found, await readResponse(exchange, found))
}

function show(found: FoundResponse, { state }: { readonly state: ResponseState }): JsonObject {
  const shown = showResponse(state)
  if (shown !== null) return shown
  if (found.run.state !== "queued" && found.place.segment !== null)
    throw createNotFound("There is no such response.")
  return describeQueued(found)
}

/** A run that no process has started has no entries yet. */
function describeQueued({ place, session }: FoundResponse): JsonObject {
  const { agent } = session
  const facts = {
    model: agent,
    background: true,
    metadata: {},
    previous_response_id: null,
    conversation: null,
  }
  return createResponse({
    place,
    started: { agent, context: toRunContext(facts), outputSchema: null },
    createdAt: Math.floor(session.lastUsedAt / 1_000),
    completedAt: null,
    status: "queued",
    output: [],
    usage: null,
  })
}

function streamNew(exchange: Exchange, { session, start }: PreparedResponse): Promise<Response> {
  const { c, parts } = exchange
  c.set("session", session)
  return parts.streams.respond(c, session.id, async () => {
    const { place, cursor, position, isNewRun } = await start()
    return describeStream(session, place, { cursor, position, isNewRun })
  })
}

async function streamAgain(exchange: Exchange, found: FoundResponse, after: number): Promise<Response> {
  const { c, parts } = exchange
  const { session, run, place } = found
  const { state, frames } = await readStored(exchange, found)
  // A segment may have ended while its run goes on.
  if (state.phase === "over") return replay(exchange, frames, after)
  c.set("session", session)
  return parts.streams.respond(c, session.id, async () => ({
    ...describeStream(session, place, { cursor: run.cursor, isNewRun: false }),
    ...(after >= 0 && { wire: responsesWireAfter(after) }),
  }))
}

function describeStream(
  session: Session,
  place: ResponsePlace,
  run: { readonly cursor: number; readonly position?: number | undefined; readonly isNewRun: boolean },
) {
  const { id: sessionId, tenant, userId } = session
  return {
    wire: responsesWire,
    opening: [startResponse(place), []] as const,
    ...{ sessionId, principal: { tenant, userId }, runId: place.runId },
    ...{ afterSeq: run.cursor, fromRunStart: true, isNewRun: run.isNewRun, position: run.position },
  }
}

function replay({ c }: Exchange, frames: readonly Frame[], after: number): Response {
  const text = frames.map((frame) => continueAfter(frame, after) ?? "").join("")
  return respondText(c, text, 200, {
    "content-type": eventStreamType,
    "cache-control": "no-cache, no-transform",
  })
}

/** Returns -1 if the client has no events yet. */
function readStartingAfter(value: string | undefined): number {
  if (value === undefined) return -1
  if (/^\d{1,10}$/.test(value)) return Number(value)
  throw createUnsupported("starting_after", "starting_after must be the sequence_number of an event.")
}

/** Returns the message that started the run. */
function listInput({ place, started }: ResponseState): readonly JsonObject[] {
  if (started === null || place.segment !== null) return []
  const content = started.content.map((part) =>
    part.type === "text"
      ? { type: "input_text", text: part.text }
      : { type: "input_image", detail: "auto", image_url: toUrl(part.source) },
  )
  const id = formatItemId("msg", { response: place, index: "input" })
  return content.length === 0 ? [] : [{ id, type: "message", role: "user", status: "completed", content }]
}

function toUrl(source: ImagePart["source"]): string {
  return source.type === "url" ? source.url : `data:${source.mediaType};base64,${source.data}`
}
