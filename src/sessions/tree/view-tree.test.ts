import { describe, expect, it, onTestFinished, vi } from "vitest"
import type { BackgroundTask } from "../../core/background-task.ts"
import type { Event, LiveEntry } from "../../core/log/entries.ts"
import type { Session } from "../../core/ports/session-log.ts"
import { noSpending } from "../../core/usage.ts"
import { ReadQueue } from "../reading/read-queue.ts"
import type { TreeViewOptions } from "../sessions.ts"
import { isOfSubAgent, isProgress, type TreeBatch } from "./sub-agent.ts"
import { viewTree } from "./view-tree.ts"

const patience = { timeout: 5_000, interval: 1 }

/** A log in memory whose views give a batch for each call of `publish`. */
class FakeLog {
  readonly warnings: unknown[] = []
  openViews = 0
  /** Batches taken by views. */
  taken = 0
  failing = ""
  /** Tasks of the root that run. */
  tasks: readonly BackgroundTask[] = []
  readonly #sessions = new Map<string, { parent: string | null; batches: (readonly LiveEntry[])[] }>()
  #seq = 0
  #changed = Promise.withResolvers<void>()

  create(sessionId: string, parent: string | null = null): void {
    this.#sessions.set(sessionId, { parent, batches: [] })
    this.#wake()
  }

  publish(sessionId: string, ...events: readonly (Event | string)[]): void {
    const batch = events.map((item): LiveEntry => {
      const common = { seq: ++this.#seq, runId: `run_${sessionId}` }
      if (typeof item !== "string") return { kind: "event", ...common, v: 3, at: 0, event: item }
      const delta = { type: "textDelta", stepId: "step", messageId: "msg", part: 0, text: item } as const
      return { kind: "delta", ...common, delta }
    })
    this.#sessions.get(sessionId)?.batches.push(batch)
    this.#wake()
  }

  view(sessionId: string, options: Partial<TreeViewOptions> = {}) {
    const controller = new AbortController()
    const log = this.#log()
    const parts = {
      log,
      reads: new ReadQueue(log as never),
      runningTasks: async () => this.tasks,
      view: (id: string, { afterSeq, signal }: TreeViewOptions) => this.#view(id, afterSeq, signal),
      logger: { debug() {}, info() {}, error() {}, warn: (fields: object) => this.warnings.push(fields) },
    }
    const given = { afterSeq: 0, signal: controller.signal, ...options }
    const iterator = viewTree(parts, sessionId, given)[Symbol.asyncIterator]()
    return { iterator, leave: () => iterator.return?.(), controller }
  }

  #entries(sessionId: string): readonly LiveEntry[] {
    return this.#sessions.get(sessionId)?.batches.flat() ?? []
  }

  async *#view(
    sessionId: string,
    afterSeq: number,
    signal: AbortSignal,
  ): AsyncGenerator<readonly LiveEntry[]> {
    this.openViews++
    try {
      for (let index = 0; !signal.aborted; ) {
        if (this.failing === sessionId) throw new Error("cannot be read")
        const batch = this.#sessions.get(sessionId)?.batches[index]
        if (batch === undefined) {
          await this.#change(signal)
          continue
        }
        index++
        this.taken++
        const shown = batch.filter(({ seq }) => seq > afterSeq)
        if (shown.length > 0) yield shown.length === batch.length ? batch : shown
        if (batch.some((entry) => entry.kind === "event" && entry.event.type === "runCompleted")) return
      }
    } finally {
      this.openViews--
    }
  }

  #log() {
    return {
      session: async (id: string): Promise<Session | null> => {
        const session = this.#sessions.get(id)
        if (session === undefined) return null
        const lastSeq = this.#entries(id).at(-1)?.seq ?? 0
        const parent = session.parent === null ? null : { sessionId: session.parent }
        return {
          id,
          tenant: "t",
          userId: "u",
          lastSeq,
          parent,
          activeRun: {},
          storedBytes: 1,
        } as unknown as Session
      },
      run: async (sessionId: string, id: string) => {
        const ended = this.#entries(sessionId).some(
          (entry) => entry.kind === "event" && entry.event.type === "runCompleted",
        )
        return { id, sessionId, cursor: 0, state: ended ? "completed" : "open", endSeq: null } as const
      },
      stepStart: async (sessionId: string, seq: number) =>
        this.#entries(sessionId).findLast(
          (entry) => entry.kind === "event" && entry.event.type === "stepStarted" && entry.seq <= seq,
        )?.seq ?? 0,
      read: async (sessionId: string, { afterSeq }: { readonly afterSeq: number }) =>
        this.#entries(sessionId).filter(({ seq, kind }) => seq > afterSeq && kind === "event"),
      watch: (sessionId: string, { signal }: { readonly signal: AbortSignal }) =>
        this.#watch(sessionId, signal),
    }
  }

  async *#watch(_sessionId: string, signal: AbortSignal): AsyncGenerator<void> {
    while (!signal.aborted) {
      yield
      await this.#change(signal)
    }
  }

  #wake(): void {
    this.#changed.resolve()
    this.#changed = Promise.withResolvers()
  }

  /** Resolves at the next change, or when the signal aborts. */
  async #change(signal: AbortSignal): Promise<void> {
    const wake = () => this.#wake()
    signal.addEventListener("abort", wake, { once: true })
    if (!signal.aborted) await this.#changed.promise
    signal.removeEventListener("abort", wake)
  }
}

const step: Event = { type: "stepStarted", stepId: "step", messageId: "msg", step: 1 }
const ended: Event = { type: "runCompleted", disposition: "completed", reason: null, ...noSpending }

function asks(child: string): Event {
  return {
    ...{ type: "waitOpened", kind: "child", waitId: `wait_${child}`, toolCallId: `call_${child}` },
    ...{ toolName: "delegate", continuation: null, nonce: "n", expiresAt: 9 },
    payload: { agent: "worker", sessionId: child, runId: `run_${child}`, reservedUsd: null },
  } as Event
}

function answered(child: string, decidedBy: object | null = { via: "code" }): Event {
  const resolution = { outcome: "completed" }
  return {
    ...{ type: "waitResolved", kind: "child", waitId: `wait_${child}`, toolCallId: `call_${child}` },
    ...{ decidedBy, resolution },
  } as unknown as Event
}

function approval(id: string): Event {
  return { type: "waitOpened", kind: "approval", waitId: id, toolCallId: id } as Event
}

/** Names each entry by its session and its text or type; `+` is the start of a sub-agent. */
function named(root: string, batch: TreeBatch): readonly string[] {
  if (isProgress(batch)) {
    const { taskId, turn, toolName, spent } = batch.progress
    return [`${taskId}@${turn} ${toolName ?? "-"} ${spent?.usage.inputTokens ?? "?"}`]
  }
  if (isOfSubAgent(batch) && batch.entries.length === 0) return [`+${batch.subAgent.sessionId}`]
  const [session, entries] = isOfSubAgent(batch) ? [batch.subAgent.sessionId, batch.entries] : [root, batch]
  return entries.map((entry) => {
    if (entry.kind === "transient") return "transient"
    if (entry.kind === "delta") return `${session}:${entry.delta.text}`
    const { event } = entry
    const isWait = event.type === "waitOpened" || event.type === "waitResolved"
    return `${session}:${isWait ? `${event.type} ${event.waitId}` : event.type}`
  })
}

async function take(iterator: AsyncIterator<TreeBatch>, count: number): Promise<readonly string[]> {
  const seen: string[] = []
  while (seen.length < count) {
    const { value, done } = await iterator.next()
    if (done === true) break
    seen.push(...named("root", value))
  }
  return seen
}

function rootWith(...children: readonly string[]): FakeLog {
  const log = new FakeLog()
  log.create("root")
  log.publish("root", step, ...children.map(asks))
  for (const child of children) log.create(child, "root")
  return log
}

describe("the view of a tree", () => {
  it("is the view of the session while no sub-agent works, with the very same batches", async () => {
    const log = rootWith()
    const { iterator, leave } = log.view("root", { isNewRun: true })
    log.publish("root", "a", "b")
    expect(await take(iterator, 3)).toEqual(["root:stepStarted", "root:a", "root:b"])
    await leave()
    expect(log.openViews).toBe(0)
  })

  it("shows a sub-agent after the call that starts it, and to its end before that call goes on", async () => {
    const log = rootWith("child")
    const { iterator } = log.view("root", { isNewRun: true })
    log.publish("root", answered("child"), "after", ended)
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
    const log = rootWith("child")
    const { iterator } = log.view("root", { isNewRun: true })
    log.publish("child", step, asks("grandchild"))
    log.create("grandchild", "child")
    log.publish("grandchild", step, "deep", ended)
    log.publish("child", answered("grandchild"), ended)
    log.publish("root", answered("child"), ended)
    expect(await take(iterator, 20)).toEqual([
      ...["root:stepStarted", "root:waitOpened wait_child", "+child"],
      ...["child:stepStarted", "child:waitOpened wait_grandchild", "+grandchild"],
      ...["grandchild:stepStarted", "grandchild:deep", "grandchild:runCompleted"],
      ...["child:waitResolved wait_grandchild", "child:runCompleted"],
      ...["root:waitResolved wait_child", "root:runCompleted"],
    ])
  })

  it("shows to a viewer that comes back what is open: the last turn, without the waits that are over", async () => {
    const log = rootWith("child", "over")
    log.publish("over", step, "old", ended)
    log.publish("root", answered("over"))
    log.publish("child", step, "first turn", step, approval("done"), approval("open"))
    const resolved = { type: "waitResolved", kind: "approval", waitId: "done", toolCallId: "done" } as Event
    log.publish("child", resolved, asks("grandchild"))
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

  it("does not show what a replayed session's sub-agents did, if they have ended", async () => {
    const log = rootWith("child")
    log.publish("child", step, "old", ended)
    log.publish("root", answered("child"), step)
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
    log.publish("root", step, asks("late"), asks("never"))
    const { iterator } = log.view("root", { isNewRun: true })
    expect(await take(iterator, 3)).toHaveLength(3)
    const next = take(iterator, 2)
    log.create("late", "root")
    log.publish("late", "x", ended)
    expect(await next).toEqual(["+late", "late:x", "late:runCompleted"])
    log.publish("root", answered("never"), ended)
    expect(await take(iterator, 9)).toEqual(["root:waitResolved wait_never", "root:runCompleted"])
  })

  it("goes on with a call whose sub-agent was given up", async () => {
    const log = rootWith("child")
    const { iterator } = log.view("root", { isNewRun: true })
    log.publish("child", step)
    expect(await take(iterator, 4)).toHaveLength(4)
    log.publish("root", answered("child", null), "after")
    expect(await take(iterator, 2)).toEqual(["root:waitResolved wait_child", "root:after"])
    log.publish("child", ended)
    expect(await take(iterator, 1)).toEqual(["child:runCompleted"])
  })

  it("shows no session that another one started", async () => {
    const log = rootWith()
    log.create("stranger", "somebody")
    log.publish("stranger", step, "secret")
    log.publish("root", asks("stranger"), answered("stranger"), ended)
    const { iterator } = log.view("root", { isNewRun: true })
    const seen = await take(iterator, 20)
    expect(seen.filter((name) => name.includes("stranger:") || name.startsWith("+"))).toEqual([])
  })

  it("shows so many at once, and the others in turn", async () => {
    const children = ["a", "b", "c"]
    const log = rootWith(...children)
    for (const child of children) log.publish(child, child)
    const { iterator } = log.view("root", { isNewRun: true, maxSubAgents: 2 })
    const seen = await take(iterator, 8)
    expect(seen.filter((name) => name.startsWith("+"))).toEqual(["+a", "+b"])
    expect(log.openViews).toBe(3)
    const next = take(iterator, 3)
    log.publish("b", ended)
    expect(await next).toEqual(["b:runCompleted", "+c", "c:c"])
  })

  it("goes on without a sub-agent that cannot be read, and says so in the log", async () => {
    const log = rootWith("child")
    log.failing = "child"
    log.publish("root", answered("child"), ended)
    const { iterator } = log.view("root", { isNewRun: true })
    const seen = await take(iterator, 20)
    expect(seen.at(-1)).toBe("root:runCompleted")
    expect(log.warnings).toMatchObject([{ sessionId: "child", rootSessionId: "root" }])
  })

  it("ends with an error when the session itself cannot be read", async () => {
    const log = rootWith("child")
    const { iterator } = log.view("root", { isNewRun: true })
    expect(await take(iterator, 3)).toHaveLength(3)
    log.failing = "root"
    log.publish("child", "x")
    await expect(take(iterator, 9)).rejects.toThrow("cannot be read")
    expect(log.openViews).toBe(0)
  })

  it("takes nothing from a sub-agent for a viewer that does not read, and loses nothing", async () => {
    const log = rootWith("child")
    const { iterator, leave } = log.view("root", { isNewRun: true })
    expect(await take(iterator, 3)).toHaveLength(3)
    for (let index = 0; index < 100; index++) log.publish("child", String(index))
    expect(await take(iterator, 1)).toEqual(["child:0"])
    await new Promise((resolve) => setImmediate(resolve))
    // One of the root, and of the sub-agent the one that was shown.
    expect(log.taken).toBe(2)
    expect(await take(iterator, 99)).toEqual(Array.from({ length: 99 }, (_, index) => `child:${index + 1}`))
    await leave()
  })

  it.each(["leaves", "aborts"])("lets go of every session when its viewer %s", async (how) => {
    const log = rootWith("child")
    log.publish("child", asks("grandchild"))
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

describe("background tasks in the view of a tree", () => {
  const usage = { inputTokens: 7, outputTokens: 1, cacheCreationInputTokens: 0, cacheReadInputTokens: 0 }
  const stepEnd: Event = { type: "stepCompleted", stepId: "step", step: 1, usage, cost: 1 }
  const search: readonly Event[] = [
    {
      ...{ type: "toolCallRequested", stepId: "step", toolCallId: "call_s", name: "search", input: {} },
      ...{ callIndex: 0, executionLocation: "backend" },
    },
    { type: "toolCallStarted", toolCallId: "call_s" },
  ]
  const found: Event = {
    ...{ type: "toolCallCompleted", toolCallId: "call_s", name: "search", durationMs: 1, server: null },
    ...{ executionLocation: "backend", result: { type: "json", value: 1 } },
  }

  function task(child: string): BackgroundTask {
    const names = { name: "worker", description: "Look.", agent: "agent" }
    const ids = { taskId: `task_${child}`, toolCallId: `call_${child}`, sessionId: child }
    return { ...ids, ...names, reservedUsd: null, announce: false, startedAt: 1 }
  }
  const registers = (child: string): Event => ({ type: "taskRegistered", ...task(child) })
  const ends = (child: string): Event => {
    return { type: "taskEnded", taskId: `task_${child}`, name: "worker", toolCallId: "", outcome } as Event
  }
  const outcome = { outcome: "completed", reason: null, response: "", output: null, error: null }

  function rootWithTask(...events: readonly (Event | string)[]): FakeLog {
    const log = new FakeLog()
    log.create("root")
    log.publish("root", step, registers("bg"))
    log.create("bg", "root")
    log.publish("bg", ...events)
    return log
  }

  it("show what a task does and waits for, and none of its text", async () => {
    const log = rootWithTask(step, "text", ...search, approval("call_a"))
    const { iterator, leave } = log.view("root", { isNewRun: true })
    expect(await take(iterator, 5)).toEqual([
      ...["root:stepStarted", "root:taskRegistered", "+bg"],
      ...["bg:waitOpened call_a", "task_bg@1 search 0"],
    ])
    const next = take(iterator, 1)
    log.publish("root", "more")
    expect(await next).toEqual(["root:more"])
    await leave()
    expect(log.openViews).toBe(0)
  })

  it("tell of the progress once in a while, and always of the last one", async () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const log = rootWithTask(step)
    const { iterator, leave } = log.view("root", { isNewRun: true })
    expect(await take(iterator, 4)).toHaveLength(4)
    const next = take(iterator, 1)
    for (const event of [...search, found, stepEnd, step, ...search]) {
      log.publish("bg", event)
      await vi.advanceTimersByTimeAsync(100)
    }
    await vi.advanceTimersByTimeAsync(1_000)
    expect(await next).toEqual(["task_bg@1 search 7"])
    await leave()
  })

  it("that ran before the view began are shown from where they are, with all that they spent", async () => {
    const log = rootWithTask(
      step,
      ...search,
      approval("call_old"),
      found,
      stepEnd,
      step,
      approval("call_new"),
    )
    log.tasks = [task("bg")]
    const { iterator, leave } = log.view("root", { afterSeq: 2 })
    expect(await take(iterator, 3)).toEqual(["+bg", "bg:waitOpened call_new", "task_bg@1 - 7"])
    await leave()
  })

  it("outlive the run that started them, and leave room for sub-agents that a call waits for", async () => {
    const log = rootWithTask(step)
    log.create("child", "root")
    log.publish("child", "x", ended)
    log.publish("root", asks("child"), answered("child"), ended)
    const { iterator } = log.view("root", { isNewRun: true, maxSubAgents: 1 })
    const seen = await take(iterator, 20)
    expect(seen).toContain("child:x")
    expect(seen.at(-1)).toBe("root:runCompleted")
    expect(log.openViews).toBe(0)
  })

  it("do not hold up a view whose task never started", async () => {
    const log = new FakeLog()
    log.create("root")
    log.publish("root", step, registers("never"), ends("never"), ended)
    const { iterator } = log.view("root", { isNewRun: true })
    expect((await take(iterator, 20)).at(-1)).toBe("root:runCompleted")
  })

  it("show the waits of the sub-agents of a task", async () => {
    const log = rootWithTask(step, asks("below"))
    log.create("below", "bg")
    log.publish("below", step, "text", approval("call_b"))
    const { iterator, leave } = log.view("root", { isNewRun: true })
    const seen = await take(iterator, 7)
    expect(seen).toContain("below:waitOpened call_b")
    expect(seen.filter((name) => name.includes("@"))).toEqual(["task_bg@1 - 0"])
    expect(seen).not.toContain("below:text")
    await leave()
  })
})
