import { vi } from "vitest"

const { useFakeTimers } = vi

/**
 * Leaves the timers of `fetch` real. A worker runs many files, and the connections of an earlier one start timers
 * while a later one has fake timers and counts them.
 */
vi.useFakeTimers = (config) => {
  const { setTimeout: real } = globalThis
  useFakeTimers(config)
  const { setTimeout: fake } = globalThis
  if (fake === real) return vi
  const select = (...args: Parameters<typeof real>) => (isStartedByFetch() ? real : fake)(...args)
  globalThis.setTimeout = Object.assign(select, fake)
  return vi
}

function isStartedByFetch(): boolean {
  return new Error("The stack.").stack?.includes("node:internal/deps/undici") === true
}
