import { afterEach, beforeEach, expect, it, vi } from "vitest"
import { awaitStarts } from "./await-starts.ts"
import type { ServerHandle } from "./server.ts"

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** Creates a server that starts when `ready` is called. */
function createServer(name: string, startTimeoutMs = 30_000) {
  const { promise, resolve } = Promise.withResolvers<void>()
  const server = {
    config: { name, startTimeoutMs },
    state: { status: "starting" },
    settled: () => promise,
  }
  return {
    server: server as ServerHandle,
    ready() {
      server.state = { status: "ready" }
      resolve()
    },
  }
}

function wait(...servers: readonly ServerHandle[]) {
  const shown: string[] = []
  const canceling = new AbortController()
  const waiting = { showStatus: (message: string) => shown.push(message), signal: canceling.signal }
  return { shown, canceling, done: awaitStarts(servers, waiting) }
}

it("shows nothing while servers start fast", async () => {
  const { server, ready } = createServer("fast")
  const { shown, done } = wait(server)
  await vi.advanceTimersByTimeAsync(1_900)
  ready()
  await done
  await vi.advanceTimersByTimeAsync(60_000)
  expect(shown).toEqual([])
})

it("names the servers that have not started after two seconds, once", async () => {
  const [fast, slow, slower] = [createServer("a"), createServer("b"), createServer("c", 90_500)]
  const { shown, done } = wait(fast.server, slow.server, slower.server)
  fast.ready()
  await vi.advanceTimersByTimeAsync(10_000)
  expect(shown).toEqual(["Waiting for the MCP servers b, c to start, for at most 91 seconds."])
  slow.ready()
  slower.ready()
  await done
})

it("ends with the signal's reason, and shows nothing afterwards", async () => {
  const { shown, canceling, done } = wait(createServer("a").server)
  canceling.abort("canceled")
  await expect(done).rejects.toBe("canceled")
  await vi.advanceTimersByTimeAsync(60_000)
  expect(shown).toEqual([])
})
