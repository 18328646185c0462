import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi"
import type { Context, MiddlewareHandler } from "hono"
import { describeSecurity } from "../../../http/auth/access.ts"
import type { HttpEnv } from "../../../http/http-env.ts"
import { Problem } from "../../../http/problem.ts"
import { requireStartedRun } from "../../../http/put-outcome.ts"
import { parseCursor } from "../../../http/request/cursor.ts"
import { idempotencyHeader, readIdempotencyKey } from "../../../http/request/idempotency.ts"
import { respondJson } from "../../../http/respond.ts"
import { describeJson } from "../../../http/schemas/describe-json.ts"
import { describeProblems } from "../../../http/schemas/problem.ts"
import { ofBody, ofToken } from "../../../http/schemas/refusals.ts"
import type { EventStreams } from "../../../http/streams/stream-response.ts"
import type { Sessions } from "../../../kernel/sessions/sessions.ts"
import type { ListedTask } from "../../../kernel/sessions/tree/list-tasks.ts"
import { chooseNativeWire } from "../fold/native-wire.ts"
import { toWireTask } from "../forms/tasks.ts"
import { cancelResponseSchema } from "../schemas/cancel.ts"
import { eventFrameSchema } from "../schemas/events.ts"
import {
  taskMessageRequestSchema,
  taskMessageResponseSchema,
  taskSchema,
  tasksResponseSchema,
} from "../schemas/tasks.ts"

export interface TasksRoutesOptions {
  readonly sessions: Sessions
  readonly streams: EventStreams
  /** Returns true if clients of the tenant see the own messages of providers. */
  readonly showsProviderErrors: (tenant: string) => boolean
  readonly reading: MiddlewareHandler<HttpEnv>[]
  readonly changing: MiddlewareHandler<HttpEnv>[]
  /** For messages, which have a body and are refused while the process shuts down. */
  readonly sending: MiddlewareHandler<HttpEnv>[]
}

const params = z.object({ id: z.string() })
const shared = { tags: ["tasks"], security: describeSecurity("session") }

/**
 * Adds the routes for sub-agents that work for the session in the background: list them, follow one, send it a message,
 * cancel it.
 */
export function addTasksRoutes(
  app: OpenAPIHono<HttpEnv>,
  { sessions, streams, showsProviderErrors, reading, changing, sending }: TasksRoutesOptions,
): void {
  const find = async (c: Context<HttpEnv>, taskId: string): Promise<ListedTask> => {
    const tasks = await sessions.tasks(c.get("session").id, { signal: c.req.raw.signal })
    const task = tasks.find((each) => each.taskId === taskId)
    if (task === undefined) {
      throw new Problem({ code: "task_not_found", status: 404 }, "The session has no such background task.")
    }
    return task
  }

  const list = createRoute({
    ...shared,
    method: "get",
    path: "/chat/tasks",
    operationId: "listTasks",
    summary: "List background tasks of the session",
    middleware: reading,
    responses: {
      200: describeJson("The 200 newest background tasks of the session, oldest first.", tasksResponseSchema),
      ...describeProblems(...ofToken),
    },
  })
  app.openapi(list, async (c) => {
    const tasks = await sessions.tasks(c.get("session").id, { signal: c.req.raw.signal })
    return respondJson(c, { tasks: tasks.map(toWireTask) }, 200)
  })

  const read = createRoute({
    ...shared,
    method: "get",
    path: "/chat/tasks/{id}",
    operationId: "getTask",
    summary: "Get a background task",
    middleware: reading,
    request: { params },
    responses: {
      200: describeJson("The task.", taskSchema),
      ...describeProblems(...ofToken, "404 task_not_found"),
    },
  })
  app.openapi(read, async (c) => respondJson(c, toWireTask(await find(c, c.req.valid("param").id)), 200))

  const subscribe = createRoute({
    ...shared,
    method: "get",
    path: "/chat/tasks/{id}/subscribe",
    operationId: "subscribeToTask",
    summary: "Follow a background task",
    middleware: reading,
    request: { params },
    responses: {
      200: {
        description:
          "The events of the sub-agent itself after the cursor in `after_seq` or `Last-Event-ID`, up to the end of " +
          "the task.",
        content: { "text/event-stream": { schema: eventFrameSchema } },
      },
      204: { description: "No event follows the cursor, and the task has ended: do not reconnect." },
      ...describeProblems(
        ...ofToken,
        "429 too_many_viewers",
        "400 invalid_cursor",
        "404 task_not_found",
        "503 task_not_started",
      ),
    },
  })
  app.openapi(subscribe, async (c) => {
    const { taskId, sessionId } = await find(c, c.req.valid("param").id)
    const afterSeq = parseCursor(c.req.query("after_seq"), c.req.header("last-event-id"))
    const run = await sessions.run(sessionId, taskId)
    if (run === null) throw createNotStarted()
    if (run.endSeq !== null && run.endSeq <= afterSeq) return c.body(null, 204)
    return streams.respond(c, c.get("session").id, async () => ({
      wire: chooseNativeWire({ providerErrors: showsProviderErrors(c.get("session").tenant) }),
      sessionId,
      principal: c.get("session"),
      runId: taskId,
      afterSeq: Math.max(afterSeq, run.cursor),
      position: await sessions.position(sessionId, taskId),
    }))
  })

  const message = createRoute({
    ...shared,
    method: "post",
    path: "/chat/tasks/{id}/messages",
    operationId: "messageTask",
    summary: "Send a message to a background task",
    middleware: sending,
    request: {
      params,
      headers: z.object({ "idempotency-key": idempotencyHeader }),
      body: { required: true, content: { "application/json": { schema: taskMessageRequestSchema } } },
    },
    responses: {
      200: describeJson(
        "The message is durable. The sub-agent reads it before its next turn, and the task's stream shows it as " +
          "`user_message_added`.",
        taskMessageResponseSchema,
      ),
      ...describeProblems(
        ...ofToken,
        ...ofBody,
        "400 invalid_idempotency_key",
        "404 task_not_found",
        "409 task_ended",
        "413 session_too_large",
        "413 principal_storage_exceeded",
        "422 idempotency_key_reused",
        "429 queue_full",
        "503 task_not_started",
      ),
    },
  })
  app.openapi(message, async (c) => {
    const body = c.req.valid("json")
    const { taskId, sessionId } = await find(c, c.req.valid("param").id)
    const { tenant, userId } = c.get("session")
    const outcome = await sessions.start({
      sessionId,
      principal: { tenant, userId },
      joins: taskId,
      whenBusy: "steer",
      input: { type: "message", content: [{ type: "text", text: body.message }] },
      context: {},
      channel: null,
      model: null,
      idempotency: await readIdempotencyKey(c.req.header("idempotency-key"), body),
    })
    if (outcome.status === "busy") throw createNotStarted()
    if (outcome.status === "unknown") throw await explainUnjoined(sessionId, taskId)
    requireStartedRun(outcome)
    return respondJson(c, { status: "ok" as const, run_id: taskId }, 200)
  })

  /** Explains why a message cannot join a task that the session has. */
  async function explainUnjoined(sessionId: string, taskId: string): Promise<Problem> {
    if ((await sessions.run(sessionId, taskId)) === null) return createNotStarted()
    return new Problem(
      { code: "task_ended", status: 409 },
      "The task has ended or was canceled, or its agent takes no messages while it works.",
    )
  }

  const cancel = createRoute({
    ...shared,
    method: "post",
    path: "/chat/tasks/{id}/cancel",
    operationId: "cancelTask",
    summary: "Cancel a background task",
    middleware: changing,
    request: { params },
    responses: {
      200: describeJson(
        "The cancel is durable. The session learns of the end with `task_completed`.",
        cancelResponseSchema,
      ),
      ...describeProblems(...ofToken, "404 task_not_found", "409 task_ended", "503 task_not_started"),
    },
  })
  app.openapi(cancel, async (c) => {
    const { taskId, sessionId, outcome } = await find(c, c.req.valid("param").id)
    const canceled = outcome === null ? await sessions.cancel(sessionId, taskId) : null
    if (canceled?.status === "accepted") return respondJson(c, { status: "ok" as const, run_id: taskId }, 200)
    if ((await sessions.run(sessionId, taskId)) === null && outcome === null) throw createNotStarted()
    throw new Problem({ code: "task_ended", status: 409 }, "The task has ended, so it cannot be canceled.")
  })
}

function createNotStarted(): Problem {
  const message = "The task is about to start. Try again in a moment."
  return new Problem({ code: "task_not_started", status: 503 }, message, { headers: { "retry-after": "1" } })
}
