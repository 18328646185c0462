import type Dockerode from "dockerode"
import { isConflict, isNotFound } from "./engine.ts"
import { engineLost } from "./engine-failures.ts"

type Freezable = Pick<Dockerode.Container, "pause" | "unpause">

const maxPauses = 5

/**
 * Pauses a container; does nothing if it has stopped. With control groups of version 1 the engine gives up after a
 * moment on code that writes a lot at the time, and is asked again.
 */
export async function freezeContainer(container: Freezable): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await container.pause()
    } catch (error) {
      if (hasStopped(error)) return
      if (attempt === maxPauses || !/unable to freeze/.test(String(error))) throw engineLost(error)
    }
  }
}

/**
 * Continues a container; does nothing if it has stopped. One that ended before it could be paused is not paused,
 * which the engine calls a failure of its own.
 */
export async function thawContainer(container: Freezable): Promise<void> {
  try {
    await container.unpause()
  } catch (error) {
    if (!hasStopped(error) && !/is not paused/.test(String(error))) throw engineLost(error)
  }
}

/** The engine calls it a failure of its own if the container stops just when it is to be paused. */
function hasStopped(error: unknown): boolean {
  return isConflict(error) || isNotFound(error) || /cannot pause a stopped container/.test(String(error))
}
