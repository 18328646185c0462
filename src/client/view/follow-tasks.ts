import type { Chat } from "../chat.ts"
import { applyEvent } from "./apply-event.ts"
import { type ChatView, emptyView } from "./view.ts"

export interface FollowTasksOptions {
  readonly chat: Chat
  /** Ends all streams. */
  readonly signal: () => AbortSignal
  readonly onChange: () => void
  /** Called when the stream of a task fails permanently. The view of the task does not change. */
  readonly onFailure: (error: unknown) => void
}

export interface FollowedTasks {
  /** Conversations of the tasks that are or were followed, by task id. */
  readonly views: ReadonlyMap<string, ChatView>
  /** Follows a task to its end. Returns a function that stops following it and removes its view. */
  follow(taskId: string): () => void
}

/** Follows the streams of background tasks. They are separate from the session's stream. */
export function followTasks({ chat, signal, onChange, onFailure }: FollowTasksOptions): FollowedTasks {
  let views: ReadonlyMap<string, ChatView> = new Map()

  function show(taskId: string, view: ChatView | null): void {
    const next = new Map(views)
    if (view === null) next.delete(taskId)
    else next.set(taskId, view)
    views = next
    onChange()
  }

  return {
    get views() {
      return views
    },
    follow(taskId) {
      const closing = new AbortController()
      const ending = AbortSignal.any([signal(), closing.signal])
      const read = async () => {
        let view: ChatView = { ...emptyView, isRunning: true }
        show(taskId, view)
        for await (const event of chat.subscribe({ taskId, signal: ending })) {
          view = applyEvent(view, event)
          show(taskId, view)
        }
      }
      read().catch((error: unknown) => {
        if (!ending.aborted) onFailure(error)
      })
      return () => {
        closing.abort()
        show(taskId, null)
      }
    },
  }
}
