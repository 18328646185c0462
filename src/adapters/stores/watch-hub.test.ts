import { setTimeout as delay } from "node:timers/promises"
import { expect, test } from "vitest"
import type { Logger } from "../../core/ports/logger.ts"
import { waitFor } from "../../testing/session-log/fixtures.ts"
import { createWatchHub } from "./watch-hub.ts"

function recordingLogger(): Logger & { readonly warnings: string[] } {
  const warnings: string[] = []
  const ignore = () => undefined
  return {
    warnings,
    debug: ignore,
    info: ignore,
    error: ignore,
    warn: (_, message) => warnings.push(message),
  }
}

function openHub(poll: () => void = () => undefined) {
  const logger = recordingLogger()
  return { logger, hub: createWatchHub({ logger, pollMs: 1, poll }) }
}

const never = new AbortController().signal

test("a change between two polls is noticed at the second one", async () => {
  const { hub } = openHub()
  const watcher = hub.watch("a", never)[Symbol.asyncIterator]()
  await watcher.next()
  hub.changed("a", 1)
  hub.changed("a", 2)
  expect(await watcher.next()).toEqual({ done: false, value: undefined })
  const next = watcher.next()
  hub.changed("b", 3)
  hub.changed("a", 2)
  hub.close()
  expect((await next).done).toBe(true)
})

test("only watched sessions are polled, and only while they are watched", async () => {
  let polls = 0
  const { hub } = openHub(() => {
    polls += 1
  })
  await delay(5)
  expect(polls).toBe(0)
  const watcher = hub.watch("a", never)[Symbol.asyncIterator]()
  await watcher.next()
  expect(hub.watched).toEqual(["a"])
  await waitFor("polling", async () => (polls > 1 ? polls : null))
  await watcher.return?.()
  expect(hub.watched).toEqual([])
  let before = -1
  await waitFor("the end of polling", async () => {
    const still = polls === before
    before = polls
    return still ? polls : null
  })
  await hub.watch("a", never)[Symbol.asyncIterator]().next()
  await waitFor("polling again", async () => (polls > before ? polls : null))
  hub.close()
})

test("an outage is reported once, and later changes are noticed after it", async () => {
  let down = true
  let polls = 0
  const { hub, logger } = openHub(() => {
    polls += 1
    if (down) throw new Error("down")
    hub.changed("a", 7)
  })
  const watcher = hub.watch("a", never)[Symbol.asyncIterator]()
  await watcher.next()
  await waitFor("failures", async () => (polls > 3 ? polls : null))
  expect(logger.warnings).toEqual(["The store cannot be watched now."])
  down = false
  expect((await watcher.next()).done).toBe(false)
  hub.close()
})

test("a slow reader of arrivals receives each session once", async () => {
  const { hub } = openHub()
  const arrivals = hub.arrivals(never)[Symbol.asyncIterator]()
  const first = arrivals.next()
  for (let round = 0; round < 3; round += 1) for (const id of ["a", "b"]) hub.arrived(id)
  const rest = [await first, await arrivals.next()]
  expect(rest.map(({ value }) => value)).toEqual(["a", "b"])
  const next = arrivals.next()
  hub.close()
  expect((await next).done).toBe(true)
})

test("watchers that leave remove their listeners", async () => {
  const { hub } = openHub()
  const stop = new AbortController()
  let listeners = 0
  const { signal } = stop
  const add = signal.addEventListener.bind(signal)
  const remove = signal.removeEventListener.bind(signal)
  signal.addEventListener = (...parameters: Parameters<typeof add>) => {
    listeners += 1
    add(...parameters)
  }
  signal.removeEventListener = (...parameters: Parameters<typeof remove>) => {
    listeners -= 1
    remove(...parameters)
  }
  for await (const _ of hub.watch("a", signal)) break
  expect(listeners).toBe(0)
  hub.close()
})
