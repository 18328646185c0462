import { toError } from "../../../core/errors.ts"
import type { Logger } from "../../../core/ports/logger.ts"
import type { Workspace } from "../workspace/workspaces.ts"
import type { WarmContainer } from "./warm-container.ts"

/** Milliseconds that a container is kept. Sessions that have run code usually run more soon. */
const keptMs = 5 * 60_000

export interface WarmPool {
  /** Returns the session's waiting container, which then no longer waits, or a new one. */
  take(workspace: Workspace): Promise<WarmContainer>
  /** Prepares a container for the session's next execution, if there is room. */
  prepare(workspace: Workspace): void
  /** Removes a used container. Failures are logged. The next reaping finds the container. */
  remove(warmContainer: WarmContainer): void
  /** Returns the ids of the sessions for which a container waits. */
  sessions(): readonly string[]
  close(): Promise<void>
}

/**
 * Keeps up to `capacity` waiting containers, each for the session of its working directory. The container that has
 * waited longest is removed to make room for another one. Each waits for at most five minutes.
 */
export function createWarmPool({
  capacity,
  start,
  logger,
}: {
  readonly capacity: number
  readonly start: (workspace: Workspace) => Promise<WarmContainer>
  readonly logger: Logger
}): WarmPool {
  const waiting = new Map<
    string,
    { readonly warmContainer: Promise<WarmContainer | null>; readonly timer: NodeJS.Timeout }
  >()
  const removals = new Set<Promise<void>>()
  let closed = false

  function drop(sessionId: string): Promise<WarmContainer | null> | null {
    const entry = waiting.get(sessionId)
    if (entry === undefined) return null
    waiting.delete(sessionId)
    clearTimeout(entry.timer)
    return entry.warmContainer
  }

  function discard(sessionId: string): void {
    const dropped = drop(sessionId)
    if (dropped !== null) removeLater(dropped)
  }

  function removeLater(dropped: Promise<WarmContainer | null>): void {
    const removal = dropped
      .then((warmContainer) => warmContainer?.remove())
      .catch((error: unknown) => logger.warn({ error }, "A container could not be removed."))
      .finally(() => removals.delete(removal))
    removals.add(removal)
  }

  return {
    async take(workspace) {
      const warmContainer = await drop(workspace.sessionId)
      return warmContainer ?? start(workspace)
    },
    prepare(workspace) {
      const { sessionId } = workspace
      if (closed || capacity === 0 || waiting.has(sessionId)) return
      const [oldest] = waiting.keys()
      if (waiting.size >= capacity && oldest !== undefined) discard(oldest)
      const warmContainer: Promise<WarmContainer | null> = start(workspace).then(
        (started) => {
          // A container that ends while it waits, because the engine was restarted, cannot be used.
          const discardThis = () => {
            if (waiting.get(sessionId)?.warmContainer === warmContainer) discard(sessionId)
          }
          started.stopped.then(discardThis, discardThis)
          return started
        },
        (error: unknown) => {
          logger.warn({ error: toError(error).message }, "No container could be prepared.")
          return null
        },
      )
      const timer = setTimeout(() => discard(sessionId), keptMs)
      timer.unref()
      waiting.set(sessionId, { warmContainer, timer })
    },
    remove: (warmContainer) => removeLater(Promise.resolve(warmContainer)),
    sessions: () => [...waiting.keys()],
    async close() {
      closed = true
      for (const sessionId of [...waiting.keys()]) discard(sessionId)
      await Promise.all(removals)
    },
  }
}
