import { describe, expect, it, vi } from "vitest"
import type { Event } from "../../../core/log/entries.ts"
import {
  createAnswered,
  createApproval,
  createAsk,
  createRootWith,
  ended,
  FakeLog,
  step,
  take,
} from "../fixtures/fake-tree-log.ts"

const patience = { interval: 1 }

describe("the view of a tree", () => {
  it("equals the view of the session while no sub-agent works, with the same batches", async () => {
    const log = createRootWith()
    const { iterator, leave } = log.view("root", { isNewRun: true })
    log.publish("root", "a", "b")
    expect(await take(iterator, 3)).toEqual(["root:stepStarted", "root:a", "root:b"])
    await leave()
    expect(log.openViews).toBe(0)
  })

  it("shows a sub-agent after the call that starts it, and to its end before that call continues", async () => {
    const log = createRootWith("child")
    const { iterator } = log.view("root", { isNewRun: true })
    log.publish("root", createAnswered("child"), "after", ended)
    expect(await take(iterator, 3)).toEqual(["root:stepStarted", "root:waitOpened wait_child", "+child"])
    log.publish("child", step, "x")
    expect(await take(iterator, 2)).toEqual(["child:stepStarted", "child:x"])
    log.publish("child", ended)
    expect(await take(iterator, 9)).toEqual([
      "child:runCompleted",
      "root:waitResolved wait_child",
      "root:after",
      "root:runCompleted",
    ])
    expect(log.openViews).toBe(0)
  })

  it("shows sub-agents of sub-agents, each in its order", async () => {
    const log = createRootWith("child")
    const { iterator } = log.view("root", { isNewRun: true })
    log.publish("child", step, createAsk("grandchild"))
    log.create("grandchild", "child")
    log.publish("grandchild", step, "deep", ended)
    log.publish("child", createAnswered("grandchild"), ended)
    log.publish("root", createAnswered("child"), ended)
    expect(await take(iterator, 20)).toEqual([
      ...["root:stepStarted", "root:waitOpened wait_child", "+child"],
      ...["child:stepStarted", "child:waitOpened wait_grandchild", "+grandchild"],
      ...["grandchild:stepStarted", "grandchild:deep", "grandchild:runCompleted"],
      ...["child:waitResolved wait_grandchild", "child:runCompleted"],
      ...["root:waitResolved wait_child", "root:runCompleted"],
    ])
  })

  it("shows a returning viewer what is open: the last turn, without resolved waits", async () => {
    const log = createRootWith("child", "over")
    log.publish("over", step, "old", ended)
    log.publish("root", createAnswered("over"))
    log.publish("child", step, "first turn", step, createApproval("done"), createApproval("open"))
    const resolved = { type: "waitResolved", kind: "approval", waitId: "done", toolCallId: "done" } as Event
    log.publish("child", resolved, createAsk("grandchild"))
    log.create("grandchild", "child")
    log.publish("grandchild", step, "deep")
    const { iterator } = log.view("root", { afterSeq: 3 })
    const seen = await take(iterator, 8)
    expect(seen.filter((name) => !name.startsWith("root"))).toEqual([
      ...["+child", "child:stepStarted", "child:waitOpened open"],
      ...["child:waitOpened wait_grandchild", "+grandchild", "grandchild:stepStarted", "grandchild:deep"],
    ])
    log.publish("child", "live")
    expect(await take(iterator, 1)).toEqual(["child:live"])
  })

  it("does not show ended sub-agents of a replayed session", async () => {
    const log = createRootWith("child")
    log.publish("child", step, "old", ended)
    log.publish("root", createAnswered("child"), step)
    const { iterator } = log.view("root")
    log.publish("root", ended)
    expect(await take(iterator, 20)).toEqual([
      ...["root:stepStarted", "root:waitOpened wait_child", "root:waitResolved wait_child"],
      ...["root:stepStarted", "root:runCompleted"],
    ])
  })

  it("waits for a sub-agent that does not exist yet, and not for one that never will", async () => {
    const log = new FakeLog()
    log.create("root")
    log.publish("root", step, createAsk("late"), createAsk("never"))
    const { iterator } = log.view("root", { isNewRun: true })
    expect(await take(iterator, 3)).toHaveLength(3)
    const next = take(iterator, 2)
    log.create("late", "root")
    log.publish("late", "x", ended)
    expect(await next).toEqual(["+late", "late:x", "late:runCompleted"])
    log.publish("root", createAnswered("never"), ended)
    expect(await take(iterator, 9)).toEqual(["root:waitResolved wait_never", "root:runCompleted"])
  })

  it("continues with a call whose sub-agent was given up", async () => {
    const log = createRootWith("child")
    const { iterator } = log.view("root", { isNewRun: true })
    log.publish("child", step)
    expect(await take(iterator, 4)).toHaveLength(4)
    log.publish("root", createAnswered("child", null), "after")
    expect(await take(iterator, 2)).toEqual(["root:waitResolved wait_child", "root:after"])
    log.publish("child", ended)
    expect(await take(iterator, 1)).toEqual(["child:runCompleted"])
  })

  it("does not show a session that another call started", async () => {
    const log = createRootWith()
    log.create("stranger", "somebody")
    log.publish("stranger", step, "secret")
    log.publish("root", createAsk("stranger"), createAnswered("stranger"), ended)
    const { iterator } = log.view("root", { isNewRun: true })
    const seen = await take(iterator, 20)
    expect(seen.filter((name) => name.includes("stranger:") || name.startsWith("+"))).toEqual([])
  })

  it("shows a limited number at once, and the others in turn", async () => {
    const children = ["a", "b", "c"]
    const log = createRootWith(...children)
    for (const child of children) log.publish(child, child)
    const { iterator } = log.view("root", { isNewRun: true, maxSubAgents: 2 })
    const seen = await take(iterator, 8)
    expect(seen.filter((name) => name.startsWith("+"))).toEqual(["+a", "+b"])
    expect(log.openViews).toBe(3)
    const next = take(iterator, 3)
    log.publish("b", ended)
    expect(await next).toEqual(["b:runCompleted", "+c", "c:c"])
  })

  it("continues without a sub-agent that cannot be read, and logs that", async () => {
    const log = createRootWith("child")
    log.failing = "child"
    log.publish("root", createAnswered("child"), ended)
    const { iterator } = log.view("root", { isNewRun: true })
    const seen = await take(iterator, 20)
    expect(seen.at(-1)).toBe("root:runCompleted")
    expect(log.warnings).toMatchObject([{ sessionId: "child", rootSessionId: "root" }])
  })

  it("ends with an error when the session itself cannot be read", async () => {
    const log = createRootWith("child")
    const { iterator } = log.view("root", { isNewRun: true })
    expect(await take(iterator, 3)).toHaveLength(3)
    log.failing = "root"
    log.publish("child", "x")
    await expect(take(iterator, 9)).rejects.toThrow("cannot be read")
    expect(log.openViews).toBe(0)
  })

  it("reads nothing from a sub-agent for a viewer that does not read, and loses nothing", async () => {
    const log = createRootWith("child")
    const { iterator, leave } = log.view("root", { isNewRun: true })
    expect(await take(iterator, 3)).toHaveLength(3)
    for (let index = 0; index < 100; index++) log.publish("child", String(index))
    expect(await take(iterator, 1)).toEqual(["child:0"])
    await new Promise((resolve) => setImmediate(resolve))
    // The view has taken one batch of the root, and the shown one of the sub-agent.
    expect(log.taken).toBe(2)
    expect(await take(iterator, 99)).toEqual(Array.from({ length: 99 }, (_, index) => `child:${index + 1}`))
    await leave()
  })

  it.each(["leaves", "aborts"])("closes every session when its viewer %s", async (how) => {
    const log = createRootWith("child")
    log.publish("child", createAsk("grandchild"))
    const { iterator, leave, controller } = log.view("root", { isNewRun: true })
    expect(await take(iterator, 4)).toHaveLength(4)
    const waiting = iterator.next()
    await vi.waitUntil(() => log.openViews === 2, patience)
    if (how === "aborts") controller.abort()
    else await leave()
    expect(await waiting).toMatchObject({ done: true })
    expect(log.openViews).toBe(0)
  })
})
