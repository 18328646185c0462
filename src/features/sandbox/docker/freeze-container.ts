import { setTimeout as delay } from "node:timers/promises"
import type Dockerode from "dockerode"
import { isNotFound } from "./engine.ts"
import { createEngineLostError } from "./engine-failures.ts"

type Freezable = Pick<Dockerode.Container, "pause" | "unpause" | "inspect">

type State = "running" | "paused" | "stopped"

const maxAttempts = 10
/** Milliseconds between attempts. In this time the engine also notices the end of a container. */
const retryMs = 100

/**
 * Pauses a container. Does nothing if the container has stopped. With control groups of version 1 the engine soon
 * gives up on code that writes heavily, so the pause is retried.
 */
export function freezeContainer(container: Freezable, pauseMs = retryMs): Promise<void> {
  return changeFrom("running", () => container.pause(), { container, pauseMs })
}

/**
 * Resumes a container. Does nothing if the container has stopped, or ended before it could be paused. The engine
 * refuses to resume a container that was killed while it was paused, and still reports it as paused for a moment, so
 * the request is retried.
 */
export function thawContainer(container: Freezable, pauseMs = retryMs): Promise<void> {
  return changeFrom("paused", () => container.unpause(), { container, pauseMs })
}

/** Retries the change as long as the engine refuses it and reports the state `from`. */
async function changeFrom(
  from: State,
  change: () => Promise<void>,
  { container, pauseMs }: { readonly container: Freezable; readonly pauseMs: number },
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await change()
    } catch (error) {
      // The engine's message for an ending container varies, but its state does not.
      if ((await readState(container, error)) !== from) return
      if (attempt === maxAttempts) throw createEngineLostError(error)
      await delay(pauseMs)
    }
  }
}

/** Returns the state. If the engine does not know the state either, rejects with the given reason. */
async function readState(container: Freezable, reason: unknown): Promise<State> {
  try {
    const { Paused, Running } = (await container.inspect()).State
    if (Paused) return "paused"
    return Running ? "running" : "stopped"
  } catch (error) {
    if (isNotFound(error)) return "stopped"
    throw createEngineLostError(reason)
  }
}
