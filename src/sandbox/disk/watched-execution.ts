import { setTimeout as delay } from "node:timers/promises"
import { type DiskUsage, isWithin, measureUsage } from "../workspace/usage.ts"
import { createCharge, lostBetween, type WrittenBytes } from "./charge.ts"
import { measureHeldFiles } from "./held-files.ts"
import type { Holder } from "./holdings.ts"
import type { DiskSpace } from "./space.ts"

/** Operations of the disk guard on an execution. */
export interface DiskConsumer {
  readonly session: Holder
  /** Its working directory. */
  readonly path: string
  /** Usage of the working directory before the execution. */
  readonly before: DiskUsage
  /** Stops all its processes for the time being. */
  freeze(): Promise<void>
  /** Lets them go on. */
  thaw(): Promise<void>
  /** Ends the execution because of the disk. Resolves when none of its processes is left. */
  stop(): Promise<void>
  /** Deletes what it wrote until the working directory takes at most this much. */
  trim(target: DiskUsage, signal: AbortSignal): Promise<void>
}

/** An execution while the disk guard watches it. */
export interface WatchedExecution {
  readonly signal: AbortSignal
  readonly session: Holder
  /** Its usage when it was last measured; null before the first measurement. */
  readonly lastUsage: DiskUsage | null
  /** If true, the last measurement found that its processes hide files. */
  readonly hidFiles: boolean
  /** Measures the working directory if that is due. Does not wait for it. */
  look(space: DiskSpace): void
  freeze(): Promise<void>
  thaw(): Promise<void>
  /** Its usage, however much. Infinite if it cannot be measured. Use this while it is frozen. */
  measure(): Promise<DiskUsage>
  /** Usage of its working directory before it started. */
  readonly before: DiskUsage
  /** By how many bytes its working directory has grown. */
  growth(usage: DiskUsage): number
  stop(): Promise<void>
  trim(target: DiskUsage): Promise<void>
  fail(error: unknown): void
  /** Ends the watch. Rejects if the working directory could not be watched. */
  end(): Promise<void>
}

export interface WatchOptions {
  readonly quota: DiskUsage
  readonly readSpace: () => Promise<DiskSpace>
}

/** The file system need not say at once what is written, and others may free what the execution takes. */
const regularMs = 250
/** Part of the quota that may be written unmeasured, so that an execution near its quota is not frozen all the time. */
const slack = 1 / 16
/** Part of the quota that may be written before the first measurement is complete. */
const unknownHeadroom = 1 / 4
/**
 * Number of times in a row that an execution has to be seen hiding files before it is charged for them, and the time
 * in between.
 */
const looks = 8
const lookAgainMs = 20
const unlimited = { bytes: Number.POSITIVE_INFINITY, entries: Number.POSITIVE_INFINITY }

/**
 * Measures an execution's working directory now and then while it runs. If the file system has lost as much room as
 * the quota had left, whatever others freed meanwhile, it freezes the execution first, which then cannot write while
 * it is measured, and also measures the deleted files that its processes hold. An execution that hides such files, as
 * nothing honest does for long, is charged for them (`Charge`).
 */
export function watchExecution(consumer: DiskConsumer, { quota, readSpace }: WatchOptions): WatchedExecution {
  const ended = new AbortController()
  const { signal } = ended
  const charge = createCharge()
  let first: DiskUsage | null = null
  let last: DiskUsage | null = null
  let lastSpace: DiskSpace | null = null
  /** All that the file system has lost. What others free does not make it less. */
  let lost: DiskUsage = { bytes: 0, entries: 0 }
  /** The loss at which the execution may have used up its quota. */
  let ceiling = shareOf(quota, unknownHeadroom)
  let hidFiles = false
  let nextAt = 0
  let measuring: {
    readonly walk: AbortController
    readonly isFrozen: boolean
    readonly done: Promise<void>
  } | null = null
  /** Number of callers that want it frozen, and the last change of its state. */
  let holds = 0
  let changing: Promise<void> = Promise.resolve()
  let stopped: Promise<void> | null = null
  let failure: { readonly error: unknown } | null = null

  function stop(): Promise<void> {
    stopped ??= consumer.stop()
    return stopped
  }

  function fail(error: unknown): void {
    if (signal.aborted) return
    failure ??= { error }
    stop().catch(() => {})
  }

  function freeze(): Promise<void> {
    holds += 1
    if (holds === 1) changing = changing.then(() => change(consumer.freeze))
    return changing
  }

  function thaw(): Promise<void> {
    holds -= 1
    if (holds === 0) changing = changing.then(() => change(consumer.thaw))
    return changing
  }

  /** An execution that is being ended is not to be continued, and one that cannot be frozen does not go on. */
  async function change(to: () => Promise<void>): Promise<void> {
    if (stopped === null && !signal.aborted) await to().catch(fail)
  }

  function noteLoss(space: DiskSpace): void {
    if (lastSpace === null) charge.clear({ bytes: 0, entries: 0 }, space)
    else lost = sumOf(lost, lostBetween(lastSpace, space))
    lastSpace = space
  }

  async function measureOnce(isFrozen: boolean, walk: AbortSignal): Promise<void> {
    const startedAt = performance.now()
    if (isFrozen) await freeze()
    try {
      const space = await readSpace()
      noteLoss(space)
      const lostBefore = lost
      const until = AbortSignal.any([signal, walk])
      const usage = isFrozen
        ? await measureFrozen(quota, until, (charged) => isWithin(charged, quota))
        : await measureUsage(consumer.path, quota, until)
      if (usage === "over" || !isWithin(usage, quota)) return await stop()
      if (first === null && !isFrozen) charge.clear(usage, space)
      const next = sumOf(lostBefore, headroomOf(usage, quota))
      // A measurement that does not see deleted files must not make room for more of them.
      ceiling = first === null || isFrozen ? next : lowerOf(ceiling, next)
      first ??= usage
      last = usage
      // A large working directory takes long to measure, and the processor is for others too.
      nextAt = performance.now() + Math.max(regularMs, 3 * (performance.now() - startedAt))
    } finally {
      if (isFrozen) await thaw()
    }
  }

  /** Measures all that its processes hold. Looks again if they are closed, or hide files and the charge does harm. */
  async function measureFrozen(
    bound: DiskUsage,
    until: AbortSignal,
    isHarmless: (charged: DiskUsage) => boolean,
  ): Promise<DiskUsage | "over"> {
    for (let look = 1; ; look += 1) {
      const space = await readSpace()
      const usage = await measureAll(consumer.path, bound, until)
      if (usage === "over" || (usage === "closed" && look === looks)) return "over"
      if (usage === "closed") {
        await letGoOn()
        continue
      }
      hidFiles = usage.hidesFiles
      if (!hidFiles) {
        charge.clear(usage.seen, space, usage.written)
        return usage.seen
      }
      const charged = charge.chargeFor(usage.seen, space, usage.written)
      if (look === looks || isHarmless(charged)) return charged
      await letGoOn()
    }
  }

  /** For a moment, in which a message that waits in a socket can be received. */
  async function letGoOn(): Promise<void> {
    changing = changing.then(() => change(consumer.thaw))
    await changing
    await delay(lookAgainMs)
    changing = changing.then(() => change(consumer.freeze))
    await changing
  }

  function start(isFrozen: boolean): void {
    const walk = new AbortController()
    const done = measureOnce(isFrozen, walk.signal)
      .catch((error: unknown) => {
        if (!walk.signal.aborted) fail(error)
      })
      .finally(() => {
        measuring = null
        if (walk.signal.aborted && stopped === null && !signal.aborted) start(true)
      })
    measuring = { walk, isFrozen, done }
  }

  return {
    signal,
    session: consumer.session,
    before: consumer.before,
    get lastUsage() {
      return last
    },
    get hidFiles() {
      return hidFiles
    },
    look(space) {
      if (stopped !== null || signal.aborted) return
      noteLoss(space)
      const hasOutgrown = !isWithin(lost, ceiling)
      if (measuring === null) {
        if (hasOutgrown) start(true)
        else if (performance.now() >= nextAt) start(false)
        return
      }
      // It would be measured while it writes: once more, and frozen.
      if (!measuring.isFrozen && hasOutgrown) measuring.walk.abort()
    },
    freeze,
    thaw,
    async measure() {
      const usage = await measureFrozen(unlimited, signal, () => false)
      return usage === "over" ? unlimited : usage
    },
    growth: ({ bytes }) => bytes - consumer.before.bytes,
    stop,
    trim: (target) => consumer.trim(target, signal),
    fail,
    async end() {
      ended.abort(new Error("The execution has ended."))
      await measuring?.done
      if (failure !== null) throw failure.error
    },
  }
}

interface Measured {
  readonly seen: DiskUsage
  /** If true, its processes hold files that were not seen. */
  readonly hidesFiles: boolean
  readonly written: WrittenBytes
}

/** With the deleted files that its processes hold. */
async function measureAll(
  path: string,
  quota: DiskUsage,
  signal: AbortSignal,
): Promise<Measured | "over" | "closed"> {
  const named = await measureUsage(path, quota, signal)
  if (named === "over") return "over"
  const held = await measureHeldFiles(path, signal)
  if (typeof held === "string") return held
  const seen = {
    bytes: named.bytes + held.usage.bytes,
    entries: named.entries + held.usage.entries,
  }
  return isWithin(seen, quota) ? { seen, hidesFiles: held.hidesFiles, written: held.written } : "over"
}

function sumOf(a: DiskUsage, b: DiskUsage): DiskUsage {
  return { bytes: a.bytes + b.bytes, entries: a.entries + b.entries }
}

function lowerOf(a: DiskUsage, b: DiskUsage): DiskUsage {
  return { bytes: Math.min(a.bytes, b.bytes), entries: Math.min(a.entries, b.entries) }
}

function shareOf({ bytes, entries }: DiskUsage, share: number): DiskUsage {
  return { bytes: bytes * share, entries: entries * share }
}

function headroomOf(usage: DiskUsage, quota: DiskUsage): DiskUsage {
  const least = shareOf(quota, slack)
  return {
    bytes: Math.max(quota.bytes - usage.bytes, least.bytes),
    entries: Math.max(quota.entries - usage.entries, least.entries),
  }
}
