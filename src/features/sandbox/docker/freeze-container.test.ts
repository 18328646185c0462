import type Dockerode from "dockerode"
import { expect, it } from "vitest"
import { freezeContainer, thawContainer } from "./freeze-container.ts"

/** Returns the engine's error as its client throws it. */
function refusal(statusCode: number, message: string): Error {
  return Object.assign(new Error(`(HTTP code ${statusCode}) ${message}`), { statusCode })
}

const refused = refusal(500, "server error - the words do not matter")
const removed = refusal(404, "no such container")
const noEngine = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" })

const running = { Running: true, Paused: false }
const paused = { Running: true, Paused: true }
const stopped = { Running: false, Paused: false }

type State = typeof running

/**
 * Returns a container whose engine refuses the first requests, once for each of these states, and reports the state.
 * It accepts all later requests.
 */
function containerThat(...states: readonly (State | Error)[]) {
  const left = [...states]
  let calls = 0
  const change = async () => {
    calls += 1
    if (left.length > 0) throw refused
  }
  const inspect = async () => {
    const state = left.shift()
    if (state instanceof Error || state === undefined) throw state
    return { State: state } as Dockerode.ContainerInspectInfo
  }
  return { pause: change, unpause: change, inspect, calls: () => calls }
}

it("pauses again as long as the container runs, up to a bound", async () => {
  const slow = containerThat(running, running)
  await freezeContainer(slow, 0)
  expect(slow.calls()).toBe(3)
  const stuck = containerThat(...Array<State>(20).fill(running))
  await expect(freezeContainer(stuck, 0)).rejects.toMatchObject({
    code: "sandbox_unavailable",
    cause: refused,
  })
  expect(stuck.calls()).toBe(10)
})

it("does not pause when the container is paused, has stopped, or does not exist", async () => {
  for (const state of [paused, stopped, removed]) {
    const container = containerThat(state)
    await freezeContainer(container, 0)
    expect(container.calls()).toBe(1)
  }
})

it("does not pause when the engine notices the end of the container a moment later", async () => {
  const container = containerThat(running, running, stopped)
  await freezeContainer(container, 0)
  expect(container.calls()).toBe(3)
})

it("does not continue when the container has stopped, does not exist, or was never paused", async () => {
  for (const state of [running, stopped, removed]) await thawContainer(containerThat(state))
})

it("does not continue when the engine notices the end of a paused container a moment later", async () => {
  const container = containerThat(paused, paused, stopped)
  await thawContainer(container, 0)
  expect(container.calls()).toBe(3)
})

it("treats the engine as lost if a paused container cannot be continued", async () => {
  const stuck = containerThat(...Array<State>(20).fill(paused))
  await expect(thawContainer(stuck, 0)).rejects.toMatchObject({ cause: refused })
  expect(stuck.calls()).toBe(10)
})

it.each([
  ["pause", freezeContainer],
  ["continue", thawContainer],
])(
  "treats an engine as lost at once if it does not report the state after a failure to %s",
  async (_, change) => {
    const container = containerThat(noEngine)
    await expect(change(container)).rejects.toMatchObject({ code: "sandbox_unavailable", cause: refused })
    expect(container.calls()).toBe(1)
  },
)
