import { expect, it } from "vitest"
import { freezeContainer, thawContainer } from "./freeze-container.ts"

/** Returns the engine's error as its client throws it. */
function refusal(statusCode: number, message: string): Error {
  return Object.assign(new Error(`(HTTP code ${statusCode}) ${message}`), { statusCode })
}

const unableToFreeze = refusal(500, "server error - cannot pause container: unable to freeze")
const notPaused = refusal(500, "server error - Container 0123 is not paused")
const stopping = refusal(
  500,
  "server error - Cannot pause container 0123: cannot pause a stopped container: unknown",
)
const stopped = refusal(409, "container is not running")
const removed = refusal(404, "no such container")
const broken = refusal(500, "server error - no space left on device")

/** A container whose engine gives these answers in turn, and then does what it is asked. */
function containerThat(...answers: readonly Error[]) {
  const left = [...answers]
  let calls = 0
  const answer = async () => {
    calls += 1
    const error = left.shift()
    if (error !== undefined) throw error
  }
  return { pause: answer, unpause: answer, calls: () => calls }
}

it("pauses again as long as the engine is unable to freeze, up to a bound", async () => {
  const slow = containerThat(unableToFreeze, unableToFreeze)
  await freezeContainer(slow)
  expect(slow.calls()).toBe(3)
  const stuck = containerThat(...Array<Error>(9).fill(unableToFreeze))
  await expect(freezeContainer(stuck)).rejects.toMatchObject({ cause: unableToFreeze })
  expect(stuck.calls()).toBe(5)
})

it.each([
  ["pause", freezeContainer],
  ["continue", thawContainer],
])("has nothing to %s when the container has stopped, or is gone", async (_, change) => {
  await change(containerThat(stopped))
  await change(containerThat(removed))
})

it("has nothing to pause when the container ends at that moment", async () => {
  await freezeContainer(containerThat(stopping))
})

it("has nothing to continue when the container ended before its pause", async () => {
  await thawContainer(containerThat(notPaused))
})

it.each([
  ["pause", freezeContainer],
  ["continue", thawContainer],
])("takes any other failure to %s for a lost engine, at once", async (_, change) => {
  const container = containerThat(broken)
  await expect(change(container)).rejects.toMatchObject({ code: "sandbox_unavailable", cause: broken })
  expect(container.calls()).toBe(1)
})
