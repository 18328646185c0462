import { describe, expect, it, vi } from "vitest"
import type { Delta } from "../../../core/log/deltas.ts"
import { type Event, type LiveEntry, logVersion } from "../../../core/log/entries.ts"
import { firstVersion } from "../../../core/log/forms.ts"
import type { SessionBatch } from "../../../core/ports/store/session-log.ts"
import type { Committer } from "./committer.ts"
import { SessionWriter } from "./writer.ts"

const lease = { sessionId: "sess_1", epoch: 3, takeovers: 0, principal: { tenant: "tenant", userId: "user" } }
const delta = (text: string): Delta => ({ type: "textDelta", stepId: "s", messageId: "m", part: 0, text })
const event: Event = { type: "toolCallStarted", toolCallId: "call_1" }
const usage = { inputTokens: 0, outputTokens: 0, cacheCreationInputTokens: 0, cacheReadInputTokens: 0 }
const terminal: Event = { type: "runCompleted", disposition: "completed", reason: null, usage, cost: 0 }

function setUp() {
  const published: LiveEntry[] = []
  const stopped = vi.fn()
  const committer = { commitSoon: vi.fn(), commitLater: vi.fn() }
  const writer = new SessionWriter({
    lease,
    clock: { now: () => 0 },
    committer: committer as unknown as Committer,
    writableVersion: () => logVersion,
    publish: (entry) => published.push(entry),
    onStopped: stopped,
  })
  writer.runId = "run_1"
  const commit = (outcome: Parameters<SessionWriter["settle"]>[0]): SessionBatch | null => {
    const batch = writer.takeBatch()
    writer.settle(outcome)
    return batch
  }
  return {
    writer,
    committer,
    published,
    stopped,
    commit,
    shown: () => published.map(({ seq }) => seq % 1_000_000_000),
  }
}

describe("a session's writer", () => {
  it("numbers entries from its epoch on (rule 3)", () => {
    const { writer } = setUp()
    expect([writer.emit(delta("a")), writer.emit(delta("b"))]).toEqual([3_000_000_001, 3_000_000_002])
  })

  it("publishes a delta at once, and holds it while an earlier event is not stored (rule 5)", async () => {
    const { writer, commit, shown } = setUp()
    writer.emit(delta("a"))
    const appended = writer.append([event])
    writer.emit(delta("b"))
    expect(shown()).toEqual([1])
    commit("ok")
    expect(shown()).toEqual([1, 2, 3])
    await expect(appended).resolves.toMatchObject([
      { seq: 3_000_000_002, v: firstVersion, runId: "run_1", event },
    ])
  })

  it("publishes transient entries in their place among the events, and stores none of them", async () => {
    const { writer, commit, shown } = setUp()
    const data = { toolCallId: "call_1", name: "progress", value: 1 }
    writer.show(data)
    expect(shown()).toEqual([1])
    const appended = writer.append([event])
    writer.show(data)
    expect(writer.publishedUnstored()).toEqual([])
    expect(shown()).toEqual([1])
    expect(commit("ok")?.entries.map(({ seq }) => seq)).toEqual([3_000_000_002])
    expect(shown()).toEqual([1, 2, 3])
    await appended
  })

  it("holds a bounded number of transient entries behind an event that is not stored", async () => {
    const { writer, commit, published } = setUp()
    const data = { toolCallId: "call_1", name: "progress", value: "x".repeat(60_000) }
    const appended = writer.append([event])
    for (let count = 0; count < 100; count++) writer.show(data)
    commit("ok")
    await appended
    expect(published.filter(({ kind }) => kind === "transient")).toHaveLength(16)
    const next = writer.append([event])
    for (let count = 0; count < 100; count++) writer.show(data)
    commit("ok")
    await next
    expect(published.filter(({ kind }) => kind === "transient")).toHaveLength(32)
  })

  it("shows a status at once, and never stores it", async () => {
    const { writer, commit, published, shown } = setUp()
    writer.showStatus("Waiting.")
    expect(published).toEqual([{ kind: "status", seq: 3_000_000_001, runId: "run_1", message: "Waiting." }])
    const appended = writer.append([event])
    writer.showStatus("Still waiting.")
    expect(commit("ok")?.entries.map(({ seq }) => seq)).toEqual([3_000_000_002])
    expect(shown()).toEqual([1, 2, 3])
    await appended
    writer.stop(new Error("stopped"))
    writer.showStatus("Never shown.")
    expect(shown()).toEqual([1, 2, 3])
  })

  it("shows that the store delays an event after two seconds, and every ten seconds, before what waits", async () => {
    const { writer, commit, published, shown } = setUp()
    const clock = vi.spyOn(performance, "now")
    const fail = (seconds: number) => {
      clock.mockReturnValue(seconds * 1_000)
      writer.takeBatch()
      writer.delayed(new Error("down"))
    }
    writer.emit(delta("a"))
    fail(0)
    fail(3)
    expect(shown()).toEqual([1])
    const appended = writer.append([event])
    writer.emit(delta("b"))
    for (const seconds of [4, 12, 13, 14]) fail(seconds)
    const notice = { kind: "status", seq: 3_000_000_001, runId: "run_1" }
    expect(published.slice(1)).toEqual([expect.objectContaining(notice)])
    commit("ok")
    commit("ok")
    await appended
    expect(shown()).toEqual([1, 1, 2, 3])
    void writer.append([event])
    for (const seconds of [20, 21]) fail(seconds)
    expect(shown()).toEqual([1, 1, 2, 3])
    clock.mockRestore()
  })

  it("refuses all writes after its work has ended, without reporting that it stopped", async () => {
    const { writer, commit, shown, stopped } = setUp()
    const appended = writer.append([event])
    commit("ok")
    await appended
    writer.close()
    const lost = { code: "lease_lost" }
    expect(() => writer.emit(delta("a"))).toThrow(expect.objectContaining(lost))
    expect(() => writer.show({ toolCallId: "call_1", name: "progress", value: 1 })).toThrow(
      expect.objectContaining(lost),
    )
    await expect(writer.append([event])).rejects.toMatchObject(lost)
    writer.showStatus("Never shown.")
    expect(shown()).toEqual([1])
    expect(commit("ok")).toBeNull()
    expect(stopped).not.toHaveBeenCalled()
  })

  it("rejects the appends that wait when it is closed", async () => {
    const { writer, stopped } = setUp()
    const appended = writer.append([event])
    writer.close()
    await expect(appended).rejects.toMatchObject({ code: "lease_lost" })
    expect(stopped).toHaveBeenCalledOnce()
  })

  it("stores outbox items with the events of their append, and refuses one that is too large", async () => {
    const { writer, commit } = setUp()
    const item = { id: "a", kind: "kind", payload: "x".repeat(999_000) }
    const appended = writer.append([event], { outbox: [item] })
    const large = { ...item, payload: "x".repeat(1_000_001) }
    await expect(writer.append([event], { outbox: [large] })).rejects.toMatchObject({
      code: "outbox_item_too_large",
    })
    expect(commit("ok")).toMatchObject({ outbox: [item], entries: [{ event }] })
    await expect(appended).resolves.toHaveLength(1)
  })

  it("publishes nothing after an event of a later batch", async () => {
    const { writer, commit, shown } = setUp()
    const first = writer.append([event])
    writer.takeBatch()
    const second = writer.append([event])
    writer.emit(delta("a"))
    commit("ok")
    expect(shown()).toEqual([1])
    await first
    commit("ok")
    expect(shown()).toEqual([1, 2, 3])
    await second
  })

  it("stores deltas with the event that follows them, in order (rule 4)", () => {
    const { writer, commit } = setUp()
    writer.emit(delta("a"))
    void writer.append([event])
    expect(commit("ok")?.entries.map(({ kind }) => kind)).toEqual(["delta", "event"])
  })

  it("does not delay deltas that are large together", () => {
    const { writer, committer, commit } = setUp()
    const large = delta("x".repeat(100_000))
    for (const each of [large, large]) writer.emit(each)
    expect(committer.commitSoon).not.toHaveBeenCalled()
    writer.emit(large)
    expect(committer.commitSoon).toHaveBeenCalledOnce()
    commit("ok")
    writer.emit(large)
    expect(committer.commitSoon).toHaveBeenCalledOnce()
  })

  it("leaves a retried batch to its delays, even if more entries arrive meanwhile", () => {
    const { writer, committer } = setUp()
    void writer.append([event])
    writer.takeBatch()
    void writer.append([event])
    committer.commitSoon.mockClear()
    for (let count = 0; count < 5; count++) writer.emit(delta("x".repeat(100_000)))
    expect(committer.commitSoon).not.toHaveBeenCalled()
    writer.settle("ok")
    expect(committer.commitSoon).toHaveBeenCalledOnce()
  })

  it("returns the same batch again until it is settled", () => {
    const { writer } = setUp()
    writer.emit(delta("a"))
    const first = writer.takeBatch()
    writer.emit(delta("b"))
    expect(writer.takeBatch()).toBe(first)
    writer.settle("ok")
    expect(writer.takeBatch()?.entries).toHaveLength(1)
  })

  it("stores later the entries that arrive while a batch is in flight: events soon, deltas after a delay", () => {
    const { writer, commit, committer } = setUp()
    writer.emit(delta("a"))
    writer.takeBatch()
    writer.emit(delta("b"))
    vi.clearAllMocks()
    writer.settle("ok")
    expect([committer.commitSoon, committer.commitLater].map((spy) => spy.mock.calls.length)).toEqual([0, 1])
    writer.takeBatch()
    void writer.append([event])
    vi.clearAllMocks()
    commit("ok")
    expect([committer.commitSoon, committer.commitLater].map((spy) => spy.mock.calls.length)).toEqual([1, 0])
  })

  it("knows which published entries are not in the store", () => {
    const { writer, commit } = setUp()
    writer.emit(delta("a"))
    void writer.append([event])
    writer.emit(delta("b"))
    const seqs = () => writer.publishedUnstored().map(({ seq }) => seq % 1_000_000_000)
    expect(seqs()).toEqual([1])
    writer.takeBatch()
    expect(seqs()).toEqual([1])
    writer.emit(delta("c"))
    commit("ok")
    expect(seqs()).toEqual([4])
  })

  it("withdraws a terminal event if a cancel was faster, and keeps the rest (rule 12)", async () => {
    const { writer, commit, shown } = setUp()
    writer.emit(delta("a"))
    const other = writer.append([event], { consume: [7] })
    const ending = writer.append([terminal], { consume: [8] })
    writer.emit(delta("b"))
    commit("cancelled")
    await expect(ending).rejects.toMatchObject({ code: "cancelled" })
    const batch = commit("ok")
    await other
    expect(batch?.entries.map(({ seq }) => seq % 1_000_000_000)).toEqual([1, 2, 4])
    expect(batch?.commandsConsumed).toEqual([7])
    expect(batch?.runEnded).toBeUndefined()
    expect(shown()).toEqual([1, 2, 4])
    void writer.append([terminal])
    expect(commit("ok")?.runEnded).toEqual({ runId: "run_1", state: "completed" })
    expect(shown()).toEqual([1, 2, 4, 5])
  })

  it("withdraws the end of a wait if an answer was faster, and keeps the rest", async () => {
    const { writer, commit, shown } = setUp()
    const expiring = writer.append([event], { expire: ["call_1"] })
    const other = writer.append([event])
    commit("answered")
    await expect(expiring).rejects.toMatchObject({ code: "answered" })
    expect(commit("ok")?.waitsExpired).toEqual([])
    await other
    expect(shown()).toEqual([2])
  })

  it("passes on the other effects of a commit", () => {
    const { writer } = setUp()
    void writer.append([event], { consume: [1], expire: ["call_1"] })
    void writer.append([event], { consume: [2] })
    expect(writer.takeBatch()).toMatchObject({
      commandsConsumed: [1, 2],
      waitsExpired: ["call_1"],
      waitsOpened: [],
    })
  })

  it("stops at once when it lost its lease, and publishes nothing more (rule 7)", async () => {
    const { writer, commit, shown, stopped } = setUp()
    const appended = writer.append([event])
    commit("fenced")
    await expect(appended).rejects.toMatchObject({ code: "lease_lost" })
    await expect(writer.append([event])).rejects.toMatchObject({ code: "lease_lost" })
    expect(() => writer.emit(delta("a"))).toThrow("took over")
    expect(shown()).toEqual([])
    expect(stopped).toHaveBeenCalledOnce()
  })

  it("holds a bounded number of entries while the store is down (rule 15)", () => {
    const { writer, stopped } = setUp()
    for (let count = 0; count < 10_000; count++) writer.emit(delta("a"))
    writer.delayed(new Error("disk full"))
    expect(stopped).not.toHaveBeenCalled()
    writer.emit(delta("a"))
    writer.delayed(new Error("disk full"))
    expect(stopped).toHaveBeenCalledWith(expect.objectContaining({ code: "store_unavailable" }))
  })
})
