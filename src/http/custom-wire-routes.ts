import type { OpenAPIHono } from "@hono/zod-openapi"
import type { Context } from "hono"
import { ConfigurationError, ShuttingDownError } from "../core/errors.ts"
import type { Json } from "../core/json/json.ts"
import { acceptMessage } from "../kernel/sessions/accept-message.ts"
import { requireAccepted } from "../kernel/sessions/answering/require-accepted.ts"
import { toGivenAnswer } from "../kernel/sessions/answering/to-given-answer.ts"
import type { CustomWire, WireMessage, WireRequest, WireRun } from "./custom-wire.ts"
import type { HttpEnv } from "./http-env.ts"
import { requireStartedRun } from "./put-outcome.ts"
import { readIdempotencyKey } from "./request/idempotency.ts"
import { createTakenCheck, routeName } from "./routes/route-name.ts"
import type { Wire } from "./streams/wire.ts"
import type { WireParts } from "./wire-routes.ts"

/**
 * Adds the routes of the application's protocols, which are not part of the OpenAPI document. Must be called after the
 * gateway's own routes were added. Throws a `ConfigurationError` if a route is taken.
 */
export function addCustomWires(
  app: OpenAPIHono<HttpEnv>,
  wires: readonly CustomWire[],
  parts: WireParts,
): void {
  const { reading, changing, optionalBody } = parts.middleware
  for (const wire of wires) {
    const isTaken = createTakenCheck(app)
    for (const [name, handle] of Object.entries(wire.routes)) {
      const [, method = "", path = ""] = routeName.exec(name) ?? []
      const before = app.routes.length
      const middleware = method === "GET" ? reading : [...changing, optionalBody]
      for (const handler of middleware) app.on(method, path, handler)
      app.on(method, path, async (c) => handle(await createRequest(c, parts)))
      if (app.routes.slice(before).some((route) => isTaken(route.method, route.path)))
        throw new ConfigurationError(
          `wires: the route ${name} of ${wire.name} is taken. Choose another path.`,
        )
    }
  }
}

async function createRequest(c: Context<HttpEnv>, parts: WireParts): Promise<WireRequest> {
  const session = c.get("session")
  const { id: sessionId, tenant, userId } = session
  const principal = { tenant, userId }
  const { sessions, streams } = parts
  const body: Json = c.get("bodyBytes") === undefined ? null : await c.req.json()
  const started = new WeakSet<WireRun>()
  return {
    session,
    request: c.req.raw,
    params: c.req.param(),
    body,
    signal: c.req.raw.signal,
    async start(message) {
      if (!parts.accepting()) throw new ShuttingDownError()
      const content = toContent(message)
      // Content is JSON, which its type does not say.
      const hashed = { content: content as unknown as Json, context: message.context ?? {} }
      const { context = {}, whenBusy, idempotencyKey } = message
      const outcome = await acceptMessage(sessions, {
        ...{ session, rules: parts.agents.of(session), context, signal: c.req.raw.signal },
        input: { type: "message", content },
        ...(whenBusy !== undefined && { whenBusy }),
        idempotency: await readIdempotencyKey(idempotencyKey, hashed),
      })
      const { runId, cursor, position } = requireStartedRun(outcome)
      const run = { runId, cursor, position }
      if (outcome.status === "accepted") started.add(run)
      return run
    },
    async run(runId) {
      const run = await sessions.run(sessionId, runId)
      if (run === null) return null
      return { runId, cursor: run.cursor, position: await sessions.position(sessionId, runId) }
    },
    waits: () => sessions.openWaits({ sessionId }),
    async answer(answers) {
      const decidedBy = parts.deciderOf(c)
      const given = answers.map(({ toolCallId, nonce, ...answer }) =>
        toGivenAnswer(answer, { sessionId, toolCallId, nonce, decidedBy }),
      )
      const outcomes = await sessions.answerAll(given)
      for (const outcome of Array.isArray(outcomes) ? outcomes : [outcomes]) requireAccepted(outcome)
    },
    async cancel(runId) {
      return (await sessions.cancel(sessionId, runId)).status === "accepted"
    },
    stream: <State>(format: Wire<State>, open: Parameters<WireRequest["stream"]>[1]) =>
      streams.respond(c, sessionId, async () => {
        const { run, after = run.cursor, headers } = await open()
        const isWhole = after <= run.cursor
        return {
          ...{ wire: format, sessionId, principal, runId: run.runId, position: run.position },
          ...{ afterSeq: Math.max(after, run.cursor), fromRunStart: isWhole, isNewRun: started.has(run) },
          ...(headers !== undefined && { headers }),
        }
      }),
  }
}

function toContent({ content }: WireMessage) {
  return typeof content === "string" ? [{ type: "text", text: content } as const] : content
}
