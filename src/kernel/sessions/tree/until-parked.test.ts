import { describe, expect, it } from "vitest"
import type { Event } from "../../../core/log/entries.ts"
import type { Wait } from "../../../core/ports/store/approvals.ts"
import {
  createAnswered,
  createApproval,
  createRootWith,
  ended,
  type FakeLog,
  step,
} from "../fixtures/fake-tree-log.ts"
import type { UntilParked } from "../sessions.ts"

function requested(id: string): Event {
  return { type: "toolCallRequested", toolCallId: id } as Event
}

function completed(id: string): Event {
  return { type: "toolCallCompleted", toolCallId: id } as Event
}

function resolved(id: string): Event {
  return { type: "waitResolved", kind: "approval", waitId: id, toolCallId: id } as Event
}

function opened(
  kind: "timer" | "elicitation" | "clientTool",
  id: string,
  continuation: object | null = null,
) {
  return { type: "waitOpened", kind, waitId: id, toolCallId: id, continuation } as unknown as Event
}

/** Stores these waits as open. */
function openWaits(log: FakeLog, ...ids: readonly string[]): void {
  log.waits = ids.map((waitId) => ({ waitId }) as Wait)
}

/** Follows the root until it is parked. `end` is null while the view goes on. */
function follow(log: FakeLog, untilParked: UntilParked = {}) {
  const { iterator, leave } = log.view("root", { untilParked })
  const view = { end: null as unknown, leave }
  void (async () => {
    for (;;) {
      const read = await iterator.next()
      if (read.done === true) {
        view.end = read.value
        return
      }
    }
  })()
  return view
}

/** Lets the view read everything that was published. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
}

const parkedWith = (...ids: readonly string[]) => {
  return { type: "parked", waits: ids.map((waitId) => expect.objectContaining({ waitId })) }
}

describe("a view until the tree is parked", () => {
  it("ends when every open call waits for a person or the client", async () => {
    const log = createRootWith()
    openWaits(log, "a", "b")
    const view = follow(log)
    log.publish("root", requested("a"), requested("b"), createApproval("a"))
    await settle()
    // The call `b` works.
    expect(view.end).toBeNull()
    log.publish("root", opened("clientTool", "b"))
    await settle()
    expect(view.end).toEqual(parkedWith("a", "b"))
    expect(log.openViews).toBe(0)
  })

  it("ends when the other calls have their results", async () => {
    const log = createRootWith()
    openWaits(log, "a")
    const view = follow(log)
    log.publish("root", requested("a"), requested("b"), createApproval("a"), "output of b")
    await settle()
    expect(view.end).toBeNull()
    log.publish("root", completed("b"))
    await settle()
    expect(view.end).toEqual(parkedWith("a"))
  })

  it("goes on while a call sleeps", async () => {
    const log = createRootWith()
    openWaits(log, "a", "t")
    const view = follow(log)
    log.publish("root", requested("a"), requested("t"), createApproval("a"), opened("timer", "t"))
    await settle()
    expect(view.end).toBeNull()
    expect(log.waitReads).toBe(0)
    await view.leave()
  })

  it("ends when the sub-agent that a call waits for asks, and goes on while it works", async () => {
    const log = createRootWith("child")
    openWaits(log, "wait_child", "ask")
    const view = follow(log)
    log.publish("child", step, "thinking", requested("ask"))
    await settle()
    expect(view.end).toBeNull()
    log.publish("child", createApproval("ask"))
    await settle()
    const held = { type: "parked", waits: [{ waitId: "ask", rootToolCallId: "call_child" }] }
    expect(view.end).toMatchObject(held)
    expect(log.openViews).toBe(0)
  })

  it("goes on if one of two sub-agents still works", async () => {
    const log = createRootWith("child", "other")
    openWaits(log, "wait_child", "wait_other", "ask")
    const view = follow(log)
    log.publish("child", step, requested("ask"), createApproval("ask"))
    log.publish("other", step, "thinking")
    await settle()
    expect(view.end).toBeNull()
    log.publish("other", ended)
    log.publish("root", createAnswered("other"))
    await settle()
    expect(view.end).toEqual(parkedWith("ask"))
  })

  it("goes on if an answer is stored that is not logged yet, and shows what follows it", async () => {
    const log = createRootWith()
    const view = follow(log)
    log.publish("root", requested("a"), createApproval("a"))
    await settle()
    expect(view.end).toBeNull()
    // The view looks again after an entry, and not by the clock.
    expect(log.waitReads).toBe(1)
    log.publish("root", resolved("a"), "after", completed("a"), ended)
    await settle()
    expect(view.end).toEqual({ type: "complete" })
  })

  it("waits for the answers that its viewer is giving", async () => {
    const log = createRootWith()
    openWaits(log, "a")
    const answering = Promise.withResolvers<void>()
    const view = follow(log, { answersStored: () => answering.promise })
    log.publish("root", requested("a"), createApproval("a"))
    await settle()
    expect(view.end).toBeNull()
    answering.resolve()
    await settle()
    expect(view.end).toEqual(parkedWith("a"))
  })

  it("ends with a held execution, but not if the process wants to stop", async () => {
    for (const [held, released, end] of [
      [true, false, parkedWith("q")],
      [true, true, null],
      [false, true, parkedWith("q")],
    ] as const) {
      const log = createRootWith()
      openWaits(log, "q")
      const view = follow(log, { released })
      log.publish("root", requested("q"), opened("elicitation", "q", held ? null : {}))
      await settle()
      expect([held, released, view.end]).toEqual([held, released, end])
      await view.leave()
    }
  })
})
