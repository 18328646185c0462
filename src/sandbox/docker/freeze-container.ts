import { setTimeout as delay } from "node:timers/promises"
import type Dockerode from "dockerode"
import { isNotFound } from "./engine.ts"
import { engineLost } from "./engine-failures.ts"

type Freezable = Pick<Dockerode.Container, "pause" | "unpause" | "inspect">

const maxPauses = 10
/** Also the time in which the engine notices that a container has ended. */
const retryMs = 100

/**
 * Pauses a container; does nothing if it has stopped. With control groups of version 1 the engine gives up after a
 * moment on code that writes a lot at the time, and is asked again.
 */
export async function freezeContainer(container: Freezable, pauseMs = retryMs): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await container.pause()
    } catch (error) {
      // The engine's words for a container that ends at this moment vary; its state does not.
      if ((await stateOf(container, error)) !== "running") return
      if (attempt === maxPauses) throw engineLost(error)
      await delay(pauseMs)
    }
  }
}

/** Continues a container; does nothing if it has stopped, or ended before it could be paused. */
export async function thawContainer(container: Freezable): Promise<void> {
  try {
    await container.unpause()
  } catch (error) {
    if ((await stateOf(container, error)) === "paused") throw engineLost(error)
  }
}

/** Rejects with the reason why it was asked if the engine does not know the state either. */
async function stateOf(container: Freezable, reason: unknown): Promise<"running" | "paused" | "stopped"> {
  try {
    const { Paused, Running } = (await container.inspect()).State
    if (Paused) return "paused"
    return Running ? "running" : "stopped"
  } catch (error) {
    if (isNotFound(error)) return "stopped"
    throw engineLost(reason)
  }
}
