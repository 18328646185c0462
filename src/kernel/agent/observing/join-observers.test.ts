import { beforeEach, describe, expect, it, vi } from "vitest"
import type { CommitFacts, LeaseFacts, Observer } from "../../../core/ports/observer.ts"
import { joinObservers } from "./join-observers.ts"

const logger = { debug() {}, info() {}, warn: vi.fn(), error: vi.fn() }
const commit: CommitFacts = { sessions: 1, rows: 2, durationMs: 3, ok: true }
const leaseOf = (agent: string): LeaseFacts => {
  return { tenant: "t", userId: "u", agent, sessionId: "sess_1", epoch: 1, takeovers: 0 }
}
const join = (...observers: readonly Partial<Observer>[]) =>
  joinObservers(
    observers.map((observer) => ({ observer, agent: null })),
    logger,
  )

beforeEach(() => {
  vi.clearAllMocks()
})

describe("joined observers", () => {
  it("have only the functions that one of them has", () => {
    expect(join()).toEqual({})
    expect(Object.keys(join({ onCommit() {} }, { onLeaseTaken() {} }))).toEqual(["onCommit", "onLeaseTaken"])
  })

  it("are called in order, each with its own `this`", () => {
    const heard: string[] = []
    class Counter {
      readonly #name: string
      constructor(name: string) {
        this.#name = name
      }
      onCommit() {
        heard.push(this.#name)
      }
    }
    join(new Counter("a"), new Counter("b")).onCommit?.(commit)
    expect(heard).toEqual(["a", "b"])
  })

  it("leave out one that throws from then on, with one log line, and call the others", () => {
    const broken = vi.fn(() => {
      throw new Error("broken")
    })
    const whole = vi.fn()
    const { onCommit, onLeaseTaken } = join({ onCommit: broken, onLeaseTaken: broken }, { onCommit: whole })
    onCommit?.(commit)
    onCommit?.(commit)
    onLeaseTaken?.(leaseOf("agent"))
    expect(broken).toHaveBeenCalledOnce()
    expect(whole).toHaveBeenCalledTimes(2)
    expect(logger.error).toHaveBeenCalledOnce()
  })

  it("leave out one whose promise rejects, and the process goes on", async () => {
    const broken = vi.fn(async () => Promise.reject(new Error("broken")))
    const { onCommit } = join({ onCommit: broken })
    onCommit?.(commit)
    await vi.waitFor(() => expect(logger.error).toHaveBeenCalledOnce())
    onCommit?.(commit)
    expect(broken).toHaveBeenCalledOnce()
  })

  it("warn once of one that often takes long, and go on calling it", () => {
    const slow = vi.fn(() => {
      const until = performance.now() + 60
      while (performance.now() < until);
    })
    const { onCommit } = join({ onCommit: slow })
    for (let call = 1; call < 5; call += 1) onCommit?.(commit)
    expect(logger.warn).not.toHaveBeenCalled()
    onCommit?.(commit)
    onCommit?.(commit)
    expect(slow).toHaveBeenCalledTimes(6)
    expect(logger.warn).toHaveBeenCalledExactlyOnceWith(
      { observer: "onCommit", durationMs: expect.any(Number), slowCalls: 5 },
      expect.stringContaining("has taken long five times"),
    )
  })

  it("call former ones first, without guarding them again", () => {
    const heard: string[] = []
    const broken = () => {
      heard.push("former")
      throw new Error("broken")
    }
    const former = join({ onCommit: broken })
    const ofRun = () => [{ observer: { onCommit: () => void heard.push("own") }, agent: null }]
    for (let run = 1; run <= 2; run += 1) joinObservers(ofRun(), logger, former).onCommit?.(commit)
    expect(heard).toEqual(["former", "own", "own"])
    const slow = () => {
      const until = performance.now() + 60
      while (performance.now() < until);
    }
    const all = join({ onCommit: slow })
    const joined = joinObservers(ofRun(), logger, all)
    for (let call = 1; call <= 5; call += 1) joined.onCommit?.(commit)
    expect(logger.warn).toHaveBeenCalledOnce()
  })

  it("keep the facts of other agents from the observer of one agent", () => {
    const onLeaseTaken = vi.fn()
    const onCommit = vi.fn()
    const joined = joinObservers([{ observer: { onLeaseTaken, onCommit }, agent: "a" }], logger)
    joined.onLeaseTaken?.(leaseOf("a"))
    joined.onLeaseTaken?.(leaseOf("b"))
    joined.onCommit?.(commit)
    expect(onLeaseTaken).toHaveBeenCalledExactlyOnceWith(leaseOf("a"))
    expect(onCommit).toHaveBeenCalledOnce()
  })
})
