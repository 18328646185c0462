import { setTimeout as delay } from "node:timers/promises"
import type Dockerode from "dockerode"
import { isNotFound } from "./engine.ts"
import { createEngineLostError } from "./engine-failures.ts"

type Freezable = Pick<Dockerode.Container, "pause" | "unpause" | "inspect">

const maxPauses = 10
/** Milliseconds between attempts. In this time the engine also notices the end of a container. */
const retryMs = 100

/**
 * Pauses a container. Does nothing if the container has stopped. With control groups of version 1 the engine soon
 * gives up on code that writes heavily, so the pause is retried.
 */
export async function freezeContainer(container: Freezable, pauseMs = retryMs): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await container.pause()
    } catch (error) {
      // The engine's message for an ending container varies, but its state does not.
      if ((await readState(container, error)) !== "running") return
      if (attempt === maxPauses) throw createEngineLostError(error)
      await delay(pauseMs)
    }
  }
}

/** Resumes a container. Does nothing if the container has stopped, or ended before it could be paused. */
export async function thawContainer(container: Freezable): Promise<void> {
  try {
    await container.unpause()
  } catch (error) {
    if ((await readState(container, error)) === "paused") throw createEngineLostError(error)
  }
}

/** Returns the state. If the engine does not know the state either, rejects with the given reason. */
async function readState(container: Freezable, reason: unknown): Promise<"running" | "paused" | "stopped"> {
  try {
    const { Paused, Running } = (await container.inspect()).State
    if (Paused) return "paused"
    return Running ? "running" : "stopped"
  } catch (error) {
    if (isNotFound(error)) return "stopped"
    throw createEngineLostError(reason)
  }
}
