import type { History } from "../../core/wire/messages.ts"
import { type Chat, connect, type SendOptions } from "../chat.ts"
import { ChatError } from "../chat-error.ts"
import type { ConnectOptions } from "../connect.ts"
import type { SentEvent } from "../follow.ts"
import { createRandomKey } from "../random-key.ts"
import type { Run } from "../run.ts"
import { applyEvent } from "./apply-event.ts"
import { followTasks } from "./follow-tasks.ts"
import { type ChatView, emptyView, type QueuedMessage, type UserContent } from "./view.ts"
import { viewOfHistory } from "./view-of-history.ts"
import { addUserMessage, changeView } from "./view-state.ts"

export interface ConversationOptions extends Omit<ConnectOptions, "onConnection"> {
  /** Conversation to show before the stored one is loaded, for example the one that the page was rendered with. */
  readonly history?: History
  /** Maximum number of turns to load, at most 100. Earlier ones: see `before`. Default: all. */
  readonly turns?: number
}

export interface ConversationState extends ChatView {
  /**
   * `loading`: the stored conversation is being loaded. `running`: a run is open. `waiting`: the run waits for an
   * answer; see `waits`. `reconnecting`: the connection is lost, and the client tries again. `failed`: see `failure`.
   */
  readonly status: "loading" | "ready" | "running" | "waiting" | "reconnecting" | "failed"
  /** Conversations of the background tasks that are followed, by the ids of the tasks. See `followTask`. */
  readonly taskViews: ReadonlyMap<string, ChatView>
  /**
   * Error of the last request that failed permanently. Null after the next request. If a callback of the page threw the
   * error, such as `token`, it is the `cause`, and `code` is its own or `callback_failed`.
   */
  readonly failure: ChatError | null
}

/** The state of one session for a user interface. It is kept up to date. */
export interface Conversation
  extends Pick<Chat, "approve" | "answer" | "decline" | "submit" | "tools" | "messageTask" | "cancelTask"> {
  readonly chat: Chat
  /** Loads the stored conversation and follows its open run. Returns a function that stops both. */
  start(): () => void
  getState(): ConversationState
  /** Returns the state before the start, for server rendering. */
  getInitialState(): ConversationState
  /** Calls the listener after changes, at most once a frame. Returns a function that removes it. */
  subscribe(listener: () => void): () => void
  /** Sends a message. While a run is open the message is queued, unless `whenBusy` is set. */
  send(message: UserContent, options?: MessageOptions): void
  /** Cancels the open run. */
  stop(): Promise<void>
  /**
   * Withdraws a message of `queued`. Its run must not be open yet, or, if the message steers, the message must not have
   * joined the run. Otherwise nothing changes. A steering message of more than 16 KiB can be withdrawn only by a page
   * that found it in the history.
   */
  withdraw(message: QueuedMessage): Promise<void>
  /** Follows a background task to its end, in `taskViews`. Returns a function that stops following it. */
  followTask(taskId: string): () => void
  /** Sends the last message again: as the same message if the gateway did not accept it, otherwise as a new one. */
  retry(): void
}

export type MessageOptions = Pick<SendOptions, "context" | "model" | "whenBusy">

interface Sent {
  readonly content: UserContent
  readonly options: MessageOptions
  readonly key: string
}

const frameMs = 16

export function createConversation({ history, turns, ...options }: ConversationOptions): Conversation {
  const initial = history === undefined ? emptyView : viewOfHistory(history)
  const loads = options.token !== undefined || options.sessionId !== undefined
  const initialState: ConversationState = {
    ...initial,
    status: history === undefined && loads ? "loading" : "ready",
    taskViews: new Map(),
    failure: null,
  }
  const listeners = new Set<() => void>()
  let view = initial
  let state = initialState
  let isLoading = initialState.status === "loading"
  let isReconnecting = false
  let failure: ChatError | null = null
  let last: Sent | null = null
  let running: AbortController | null = null
  let reading: Promise<void> | null = null
  let timer: ReturnType<typeof setTimeout> | null = null

  const chat = connect({
    ...options,
    onConnection(connection) {
      const isWaiting = connection.state === "waiting"
      if (connection.state === "connecting" || isWaiting === isReconnecting) return
      isReconnecting = isWaiting
      publish()
    },
  })

  const publishSoon = () => {
    timer ??= setTimeout(publish, frameMs)
  }
  const tasks = followTasks({
    chat,
    signal: signalOfRunning,
    onChange: publishSoon,
    onFailure: (error) => fail(error, signalOfRunning()),
  })

  function publish(): void {
    if (timer !== null) clearTimeout(timer)
    timer = null
    state = { ...view, status: computeStatus(), taskViews: tasks.views, failure }
    for (const listener of listeners) listener()
  }

  function computeStatus(): ConversationState["status"] {
    if (isReconnecting) return "reconnecting"
    if (isLoading) return "loading"
    if (failure !== null) return "failed"
    if (!view.isRunning) return "ready"
    return view.waits.length > 0 ? "waiting" : "running"
  }

  function show(event: SentEvent): void {
    view = applyEvent(view, event)
    publishSoon()
  }

  function fail(error: unknown, signal: AbortSignal): void {
    if (signal.aborted) return
    failure = toChatError(error)
    publish()
  }

  function failReading(error: unknown, signal: AbortSignal): void {
    isLoading = false
    isReconnecting = false
    view = changeView(view, { isRunning: false })
    fail(error, signal)
  }

  const isBusy = () => view.isRunning || view.queued.length > 0
  const hasTasks = () => view.tasks.some((task) => task.state === "running")

  /**
   * Reads one stream at a time. When it ends and messages are queued or background tasks run, the session is followed
   * until they have ended.
   */
  function read(signal: AbortSignal, first: AsyncIterable<SentEvent>): void {
    const readAll = async () => {
      for await (const event of first) show(event)
      if (isBusy() || hasTasks()) for await (const event of subscription(signal)) show(event)
    }
    const current = readAll()
      .catch((error: unknown) => failReading(error, signal))
      .finally(() => {
        if (reading !== current) return
        reading = null
        publish()
      })
    reading = current
  }

  function subscription(signal: AbortSignal): AsyncIterable<SentEvent> {
    return chat.subscribe({ after: view.cursor, untilTasksEnd: true, signal })
  }

  async function load(signal: AbortSignal): Promise<void> {
    const stored = await chat.history({ signal, ...(turns !== undefined && { turns }) })
    const waiting = stored.queued_runs.map(({ run_id }) => run_id)
    const loaded = viewOfHistory(stored)
    view = changeView(loaded, { queued: mergeQueued(view.queued, loaded.queued) })
    isLoading = false
    publish()
    if (view.isRunning || waiting.length > 0 || hasTasks()) read(signal, subscription(signal))
  }

  function start(): () => void {
    const controller = new AbortController()
    const { signal } = controller
    running = controller
    if (loads || chat.sessionId !== null) load(signal).catch((error: unknown) => failReading(error, signal))
    return () => {
      controller.abort()
      if (running === controller) running = null
      reading = null
      if (timer !== null) clearTimeout(timer)
      timer = null
    }
  }

  function dispatch({ content, options, key }: Sent, signal: AbortSignal): void {
    failure = null
    const run = chat.send(content, { ...options, idempotencyKey: key, after: view.cursor, signal })
    if (!isBusy()) {
      view = changeView(view, { isRunning: true, ended: null })
      if (reading === null) read(signal, run)
      else acceptBeside(run, signal)
      publish()
      return
    }
    const steers = options.whenBusy === "steer"
    const queued: QueuedMessage = { key, run_id: null, content, steers, message_id: null }
    const isFirst = options.whenBusy === "interrupt"
    view = changeView(view, { queued: isFirst ? [queued, ...view.queued] : [...view.queued, queued] })
    publish()
    run
      .accept()
      .then((run_id) => {
        const mark = (message: QueuedMessage) => (message.key === key ? { ...message, run_id } : message)
        const others = view.queued.filter(
          (message) => message.key === key || message.run_id !== run_id || message.steers || steers,
        )
        view = changeView(view, { queued: others.map(mark) })
        if (reading === null) read(signal, subscription(signal))
        publish()
      })
      .catch((error: unknown) => {
        view = changeView(view, { queued: view.queued.filter((message) => message.key !== key) })
        fail(error, signal)
      })
  }

  /**
   * Waits until the gateway has accepted a message that was sent while the session is followed for its background
   * tasks. That stream shows the run.
   */
  function acceptBeside(run: Run, signal: AbortSignal): void {
    run
      .accept()
      .then(() => {
        if (reading === null) read(signal, subscription(signal))
      })
      .catch((error: unknown) => {
        view = changeView(view, { isRunning: false })
        fail(error, signal)
      })
  }

  /**
   * Withdraws a steering message. Resolves to false if it may still join the run: the history does not show the content
   * of large messages, so this page cannot tell which of them it sent.
   */
  async function withdrawSteering(message: QueuedMessage, signal: AbortSignal): Promise<boolean> {
    let messageId = message.message_id
    if (messageId === null) {
      const stored = (await chat.history({ limit: 1, signal })).steering_messages
      const text = toText(message.content)
      const found = stored.findLast(({ content }) => content !== null && toText(content) === text)
      if (found === undefined) return stored.every(({ content }) => content !== null)
      messageId = found.message_id
    }
    await chat.cancel({ messageId, signal })
    return true
  }

  function signalOfRunning(): AbortSignal {
    running ??= new AbortController()
    return running.signal
  }

  return {
    chat,
    start,
    getState: () => state,
    getInitialState: () => initialState,
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    send(content, options = {}) {
      last = { content, options: { whenBusy: "queue", ...options }, key: createRandomKey() }
      if (!isBusy()) view = addUserMessage(view, content)
      dispatch(last, signalOfRunning())
    },
    async stop() {
      await chat.cancel({ signal: signalOfRunning() })
    },
    async withdraw(message) {
      const { key, run_id: runId, steers } = message
      const signal = signalOfRunning()
      if (steers) {
        if (!(await withdrawSteering(message, signal))) return
      } else if (runId === null || (await chat.cancel({ runId, signal })) === null) return
      // The stream of the open run does not report it. The event of a message that has joined the run has its content.
      view = changeView(view, { queued: view.queued.filter((each) => each.key !== key) })
      publish()
    },
    retry() {
      if (last === null || isBusy()) return
      const wasAccepted = view.ended !== null
      if (wasAccepted) {
        last = { ...last, key: createRandomKey() }
        view = addUserMessage(view, last.content)
      }
      dispatch(last, signalOfRunning())
    },
    approve: chat.approve,
    answer: chat.answer,
    decline: chat.decline,
    submit: chat.submit,
    tools: chat.tools,
    messageTask: chat.messageTask,
    cancelTask: chat.cancelTask,
    followTask: tasks.follow,
  }
}

function toChatError(error: unknown): ChatError {
  if (error instanceof ChatError) return error
  const { code, message } = Object(error) as { readonly code?: unknown; readonly message?: unknown }
  return new ChatError({
    code: typeof code === "string" ? code : "callback_failed",
    message: typeof message === "string" ? message : String(error),
    retryable: false,
    cause: error,
  })
}

/** Returns the text by which two messages are compared, with a mark for each image. */
function toText(content: QueuedMessage["content"]): string {
  if (typeof content === "string") return content
  return content.map((block) => (block.type === "text" ? block.text : `[${block.type}]`)).join("\n")
}

/** Returns the stored messages in their order, as this page has sent them, and those that are not accepted yet. */
function mergeQueued(
  sent: readonly QueuedMessage[],
  stored: readonly QueuedMessage[],
): readonly QueuedMessage[] {
  const isSame = (a: QueuedMessage) => (b: QueuedMessage) => !a.steers && !b.steers && a.run_id === b.run_id
  return [
    ...stored.map((message) => sent.find(isSame(message)) ?? message),
    ...sent.filter(({ run_id }) => run_id === null),
  ]
}
