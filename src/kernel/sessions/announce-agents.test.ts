import { afterEach, beforeEach, expect, it, vi } from "vitest"
import { StoreUnavailableError } from "../../core/errors.ts"
import { announceAgents } from "./announce-agents.ts"

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function setup(failures: number) {
  const served: (readonly string[])[] = []
  const warn = vi.fn()
  const directory = {
    async serve(agents: readonly string[]) {
      served.push(agents)
      if (served.length <= failures) throw new StoreUnavailableError()
    },
  }
  const logger = { debug() {}, info() {}, warn, error() {} }
  return { served, warn, start: () => announceAgents({ directory, agents: ["a"], logger }) }
}

it("announces the agents once", async () => {
  const { served, warn, start } = setup(0)
  await start()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(served).toEqual([["a"]])
  expect(warn).not.toHaveBeenCalled()
})

it("resolves while the store accepts no writes, and retries until it does", async () => {
  const { served, warn, start } = setup(3)
  await start()
  expect(served).toHaveLength(1)
  await vi.advanceTimersByTimeAsync(120_000)
  expect(served).toHaveLength(4)
  expect(warn).toHaveBeenCalledTimes(3)
})

it("ends when its signal aborts", async () => {
  const { served, start } = setup(9)
  const stop = await start()
  stop()
  await vi.advanceTimersByTimeAsync(120_000)
  expect(served).toHaveLength(1)
  expect(vi.getTimerCount()).toBe(0)
})
