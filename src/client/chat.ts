import type {
  ChatMessage,
  ChatRequest,
  ElicitationRequest,
  History,
  Task,
  ToolApprovalRequest,
  ToolResultRequest,
} from "../core/wire/messages.ts"
import { ChatError, createClientError } from "./chat-error.ts"
import { type ConnectOptions, createSessionConnection } from "./connect.ts"
import { createEventIterator } from "./event-iterator.ts"
import { type Followed, follow, type SentEvent } from "./follow.ts"
import { formatPath } from "./format-path.ts"
import {
  type ForgetQuery,
  forgetPath,
  formatMemoriesPath,
  type MemoriesPage,
  type MemoriesQuery,
} from "./memories.ts"
import { createRandomKey } from "./random-key.ts"
import { type Run, readResult } from "./run.ts"
import { type ClientTools, listDeclarations, toRefusedResult } from "./tool-calls.ts"

export interface CancelableOptions {
  /** Ends the call. Work that the gateway has accepted continues. */
  readonly signal?: AbortSignal
}

/** The message as text or as blocks of text and images, or the whole conversation if the client keeps it. */
export type Message = NonNullable<ChatRequest["message"]> | { readonly messages: readonly ChatMessage[] }

export interface SendOptions extends CancelableOptions {
  /** The application's own data for this run. */
  readonly context?: NonNullable<ChatRequest["context"]>
  readonly model?: string
  /** Decides what happens to a message while a run is open. Default `reject`: status 409, `run_active`. */
  readonly whenBusy?: "reject" | "queue" | "interrupt" | "steer"
  /** Default: a random key. Pass the `key` of a run to send its message again without starting it twice. */
  readonly idempotencyKey?: string
  /** Skips events up to and including this cursor. For a message that is sent again. */
  readonly after?: number
}

/** `whenBusy` has no effect on a message that takes the place of a run. */
export type SupersedeOptions = Omit<SendOptions, "whenBusy">

export interface SubscribeOptions extends CancelableOptions {
  /** Skips events up to and including this cursor. Default: the last cursor that this client saw, otherwise 0. */
  readonly after?: number
  /** Follows only this run, to its end. */
  readonly runId?: string
  /**
   * Follows the sub-agent of this background task, to its end. Its cursors are those of the sub-agent's session, so
   * `after` is 0 by default.
   */
  readonly taskId?: string
  /** If true, the session is followed while a background task runs, although no run is open. Default false. */
  readonly untilTasksEnd?: boolean
}

export interface HistoryOptions extends CancelableOptions {
  /** Number of runs whose messages are returned, at most 100. Default: all, and 20 with `before`. */
  readonly limit?: number
  /** Maximum number of turns whose messages are returned, at most 100. The first run may then be incomplete. */
  readonly turns?: number
  /** The `before` of the page of later messages. Default: the newest messages. */
  readonly before?: number
  /** A sub-agent of the session, at any depth, whose own history is returned. */
  readonly subAgentId?: string
}

/** Identifies an open wait. Events, the history and the view model have these fields. */
export interface WaitReference {
  readonly tool_call_id: string
  readonly nonce: string
}

export interface Approval extends CancelableOptions {
  readonly approved: boolean
  /** Arguments in place of the model's. */
  readonly input?: Readonly<Record<string, unknown>>
  /** Reason of a denial, which the model receives. */
  readonly reason?: string
  /**
   * If true, the user is not asked again about calls of the same type in the session of the tool. With `tree`, this
   * also applies to the other sessions of its tree. Default false.
   */
  readonly remember?: boolean | "tree"
}

/** One session of a gateway. */
export interface Chat {
  /** Null until the gateway has created the session, or if the `token` callback does not report it. */
  readonly sessionId: string | null
  /** Last cursor that this client saw. Null before the first event. */
  readonly cursor: number | null
  /** Sends a message when the result is iterated or awaited. */
  send(message: Message, options?: SendOptions): Run
  /**
   * Sends a message that takes the place of an earlier run and of everything after it. An open run is canceled, and
   * queued messages are withdrawn.
   */
  edit(runId: string, message: NonNullable<ChatRequest["message"]>, options?: SupersedeOptions): Run
  /** Sends the message of an earlier run again, in the place of that run and of everything after it. */
  retry(runId: string, options?: SupersedeOptions): Run
  /** Follows the session over all its runs. Ends when no run is open. */
  subscribe(options?: SubscribeOptions): AsyncIterable<SentEvent>
  /** Returns the stored conversation, or one page of it. */
  history(options?: HistoryOptions): Promise<History>
  /** Returns one page of the memories that the agent has about the user. Only for agents with `memory`. */
  memories(query?: MemoriesQuery): Promise<MemoriesPage>
  /** Deletes memories of the user. Returns their number: 0 if there is none with the name. */
  forget(query: ForgetQuery): Promise<number>
  /**
   * Cancels a run, by default the open one, or withdraws a message of the history's `steering_messages`. Returns the
   * id of the run, or null if no such run was open, or the message has joined it.
   */
  cancel(
    options?: CancelableOptions & { readonly runId?: string; readonly messageId?: string },
  ): Promise<string | null>
  /** Returns the 200 newest background tasks of the session, oldest first. */
  tasks(options?: CancelableOptions): Promise<readonly Task[]>
  /**
   * Sends a message to a background task, which reads it before its next turn. Returns false if the task has ended, or
   * takes no messages.
   */
  messageTask(taskId: string, message: string, options?: CancelableOptions): Promise<boolean>
  /** Cancels a background task. Returns false if the task has ended. */
  cancelTask(taskId: string, options?: CancelableOptions): Promise<boolean>
  /** Allows or denies a tool call. */
  approve(wait: WaitReference, approval: Approval): Promise<void>
  /** Answers a tool's question with the values of its form. */
  answer(
    wait: WaitReference,
    value?: Readonly<Record<string, unknown>> | null,
    options?: CancelableOptions,
  ): Promise<void>
  /** Declines a tool's question. With `dismissed`, reports that the user closed the question without an answer. */
  decline(wait: WaitReference, options?: CancelableOptions & { readonly dismissed?: boolean }): Promise<void>
  /** Sends the result of a client tool that is not registered with `tools`. */
  submit(
    wait: WaitReference,
    outcome: Pick<ToolResultRequest, "result" | "error" | "is_error" | "warning">,
    options?: CancelableOptions,
  ): Promise<void>
  /**
   * Adds tools that this client executes: functions for client tools of the agent, and the client's own tools, which
   * it declares. Replaces tools with the same name.
   */
  tools(tools: ClientTools): void
}

type Answer = Omit<ElicitationRequest, keyof WaitReference>

/** Another client's answer counts, or no answer is needed any more. */
const settledCodes: readonly string[] = ["already_answered", "wait_expired", "wait_not_found"]

/** Creates a client for one session. Sends nothing before it is used. */
export function connect(options: ConnectOptions): Chat {
  const session = createSessionConnection(options)
  const { toolInputDeltas } = options
  let tools: ClientTools = {}
  let cursor: number | null = null

  /**
   * Iterates over the events of the session, or of one of its background tasks. The stream of a task has its own
   * cursors, and its client tools are executed by the session's stream.
   */
  function events(
    plan: Followed,
    signal: AbortSignal | undefined,
    isOfTask = false,
  ): AsyncIterator<SentEvent> {
    return createEventIterator({
      tools: isOfTask ? {} : tools,
      submit: submitResult,
      signal,
      async *open(signal) {
        for await (const event of follow(plan, session, signal)) {
          if (!isOfTask) cursor = Math.max(cursor ?? 0, event.cursor ?? 0)
          yield event
        }
      },
    })
  }

  async function openSubscription(
    after: number | null,
    { runId, taskId, untilTasksEnd }: Pick<SubscribeOptions, "runId" | "taskId" | "untilTasksEnd">,
    signal: AbortSignal,
  ) {
    const route = taskId === undefined ? "/chat/subscribe" : `${formatTaskPath(taskId)}/subscribe`
    const path = formatPath(route, {
      ...{ after_seq: after ?? 0, run_id: runId },
      ...{ tool_input_deltas: toolInputDeltas, until_tasks_end: untilTasksEnd },
    })
    const opened = await session.open({ method: "GET", path, accept: "text/event-stream" }, signal)
    if (opened.response.status !== 204) return opened
    opened.close()
    return null
  }

  /**
   * Sends an answer. If its first attempt got no response, it may have arrived, so a refusal of the second one is no
   * error.
   */
  async function answerWait(
    route: "tool-approval" | "elicitation" | "tool-result",
    { tool_call_id, nonce }: WaitReference,
    fields: object,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const body = { ...fields, tool_call_id, nonce }
    const isSuccess = ({ code }: ChatError, isRepeated: boolean) => isRepeated && code === "already_answered"
    await session.call("POST", `/chat/${route}`, { body, signal, isSuccess })
  }

  async function submitResult(result: ToolResultRequest, signal: AbortSignal): Promise<void> {
    try {
      await answerWait("tool-result", result, result, signal)
    } catch (error) {
      if (error instanceof ChatError && settledCodes.includes(error.code)) return
      const refused = toRefusedResult(error)
      if (refused === null || result.error !== undefined) throw error
      const { tool_call_id, nonce } = result
      await submitResult({ tool_call_id, nonce, error: refused }, signal)
    }
  }

  /** Resolves to false if the task has ended. The key makes a message that is sent again count once. */
  async function changeTask(
    taskId: string,
    action: "messages" | "cancel",
    body: object,
    { signal }: CancelableOptions = {},
  ): Promise<boolean> {
    const headers = { "idempotency-key": createRandomKey() }
    const isSuccess = ({ code }: ChatError) => code === "task_ended"
    const path = `${formatTaskPath(taskId)}/${action}`
    return (await session.call("POST", path, { headers, body, signal, isSuccess })) !== null
  }

  /** Creates a run that starts when it is iterated or awaited. */
  function createRun(
    said: Pick<ChatRequest, "message" | "messages" | "supersede">,
    { context, model, whenBusy, idempotencyKey, after, signal }: SendOptions = {},
  ): Run {
    const body = {
      ...said,
      context,
      model,
      when_busy: whenBusy,
      tool_input_deltas: toolInputDeltas,
      tools: listDeclarations(tools),
    }
    const key = idempotencyKey ?? createRandomKey()
    let isRead = false
    let id: string | null = null

    async function open(signal: AbortSignal) {
      const request = { method: "POST", path: "/chat", body, accept: "text/event-stream" } as const
      const opened = await session.open({ ...request, headers: { "idempotency-key": key } }, signal)
      id = opened.response.headers.get("x-run-id")
      return opened
    }

    const run: Run = {
      get id() {
        return id
      },
      key,
      async accept() {
        return session.retrying(signal, async (signal) => {
          const opened = await open(signal)
          opened.close()
          return id
        })
      },
      [Symbol.asyncIterator]() {
        if (isRead) throw createClientError("already_read")
        isRead = true
        let hasStarted = false
        const plan: Followed = {
          after: after ?? null,
          oneRun: true,
          async open(cursor, signal) {
            if (hasStarted && id !== null) return openSubscription(cursor, { runId: id }, signal)
            const opened = await open(signal)
            hasStarted = true
            return opened
          },
        }
        return events(plan, signal)
      },
      result: (onEvent) => readResult(run, onEvent),
    }
    return run
  }

  return {
    get sessionId() {
      return session.sessionId
    },
    get cursor() {
      return cursor
    },

    send(message, options) {
      return createRun(typeof message === "object" && "messages" in message ? message : { message }, options)
    },
    edit: (runId, message, options) => createRun({ message, supersede: { run_id: runId } }, options),
    retry: (runId, options) => createRun({ supersede: { run_id: runId } }, options),

    subscribe({ after, signal, ...from } = {}) {
      const { runId, taskId } = from
      return {
        [Symbol.asyncIterator]() {
          return events(
            {
              after: after ?? (taskId === undefined ? cursor : null) ?? 0,
              oneRun: (runId ?? taskId) !== undefined,
              open: (cursor, signal) => openSubscription(cursor, from, signal),
            },
            signal,
            taskId !== undefined,
          )
        },
      }
    },

    async history({ signal, subAgentId, ...page } = {}) {
      const path = formatPath("/chat/history", { ...page, sub_agent_id: subAgentId })
      return (await session.call("GET", path, { signal })) as History
    },

    async memories({ signal, ...query } = {}) {
      return (await session.call("GET", formatMemoriesPath(query), { signal })) as MemoriesPage
    },

    async forget(query) {
      const { signal } = query
      const isSuccess = ({ code }: ChatError) => code === "memory_not_found"
      const answer = await session.call("DELETE", forgetPath(query), { signal, isSuccess })
      return (answer as { readonly forgotten: number } | null)?.forgotten ?? 0
    },

    async cancel({ runId, messageId, signal } = {}) {
      const body = { run_id: runId, message_id: messageId }
      const isSuccess = ({ code }: ChatError) => code === "no_active_run"
      const answer = await session.call("POST", "/chat/cancel", { body, signal, isSuccess })
      return (answer as { readonly run_id: string } | null)?.run_id ?? null
    },

    async tasks({ signal } = {}) {
      const answer = await session.call("GET", "/chat/tasks", { signal })
      return (answer as { readonly tasks: readonly Task[] }).tasks
    },

    messageTask: (taskId, message, options) => changeTask(taskId, "messages", { message }, options),
    cancelTask: (taskId, options) => changeTask(taskId, "cancel", {}, options),

    async approve(wait, { approved, input, reason, remember, signal }) {
      const fields: Omit<ToolApprovalRequest, keyof WaitReference> = {
        ...{ approved, tool_input: input, reason },
        allow_tool_type: remember === undefined ? undefined : remember !== false,
        scope: remember === "tree" ? remember : undefined,
      }
      await answerWait("tool-approval", wait, fields, signal)
    },

    async answer(wait, value, { signal } = {}) {
      const fields: Answer = { action: "accept", content: value ?? undefined }
      await answerWait("elicitation", wait, fields, signal)
    },

    async decline(wait, { dismissed = false, signal } = {}) {
      const fields: Answer = { action: dismissed ? "cancel" : "decline" }
      await answerWait("elicitation", wait, fields, signal)
    },

    async submit(wait, outcome, { signal } = {}) {
      await answerWait("tool-result", wait, outcome, signal)
    },

    tools(more) {
      tools = { ...tools, ...more }
    },
  }
}

function formatTaskPath(taskId: string): string {
  return `/chat/tasks/${encodeURIComponent(taskId)}`
}
