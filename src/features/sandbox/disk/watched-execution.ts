import { setTimeout as delay } from "node:timers/promises"
import { type DiskUsage, isWithin, measureUsage } from "../workspace/disk-usage.ts"
import { createCharge, measureLoss, type WrittenBytes } from "./charge.ts"
import { measureHeldFiles } from "./held-files.ts"
import type { Holder } from "./holdings.ts"
import type { DiskSpace } from "./space.ts"

/** Operations of the disk guard on an execution. */
export interface DiskConsumer {
  readonly session: Holder
  /** Path of the working directory. */
  readonly path: string
  /** Usage of the working directory before the execution. */
  readonly before: DiskUsage
  /** Stops all processes of the execution until `thaw`. */
  freeze(): Promise<void>
  /** Continues the processes. */
  thaw(): Promise<void>
  /** Ends the execution because of the disk. Resolves when none of its processes is left. */
  stop(): Promise<void>
  /** Deletes files of the execution until the working directory uses at most this much. */
  trim(target: DiskUsage, signal: AbortSignal): Promise<void>
}

/** An execution while the disk guard watches it. */
export interface WatchedExecution {
  readonly signal: AbortSignal
  readonly session: Holder
  /** Its last measured usage. Null before the first measurement. */
  readonly lastUsage: DiskUsage | null
  /** If true, the last measurement found hidden files. */
  readonly hidFiles: boolean
  /** Measures the working directory if that is due. Does not wait for the measurement. */
  look(space: DiskSpace): void
  freeze(): Promise<void>
  thaw(): Promise<void>
  /** Resolves to its complete usage. Infinite if it cannot be measured. The execution must be frozen. */
  measure(): Promise<DiskUsage>
  /** Usage of the working directory before the execution started. */
  readonly before: DiskUsage
  /** Returns the bytes by which its working directory has grown. */
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

/**
 * Milliseconds between regular measurements. The file system may report writes late, and others may free the space
 * that the execution uses.
 */
const regularMs = 250
/**
 * Share of the quota that may be written without a measurement, so that an execution near its quota is not frozen all
 * the time.
 */
const slack = 1 / 16
/** Share of the quota that may be written before the first measurement is complete. */
const unknownHeadroom = 1 / 4
/**
 * Number of consecutive times that hidden files must be found before the execution is charged for them, and the time
 * in between.
 */
const looks = 8
const lookAgainMs = 20
const unlimited = { bytes: Number.POSITIVE_INFINITY, entries: Number.POSITIVE_INFINITY }

/**
 * Measures an execution's working directory at intervals while it runs. If the file system has lost as much space as
 * the quota had left, whatever others freed meanwhile, it first freezes the execution, which then cannot write during
 * the measurement, and also measures the deleted files that its processes hold. No honest program hides such files
 * for long, so an execution that does is charged for them (`Charge`).
 */
export function watchExecution(consumer: DiskConsumer, { quota, readSpace }: WatchOptions): WatchedExecution {
  const ended = new AbortController()
  const { signal } = ended
  const charge = createCharge()
  let first: DiskUsage | null = null
  let last: DiskUsage | null = null
  let lastSpace: DiskSpace | null = null
  /** All space that the file system has lost. Space that others free does not reduce it. */
  let lost: DiskUsage = { bytes: 0, entries: 0 }
  /** The loss at which the execution may have used its whole quota. */
  let ceiling = shareOf(quota, unknownHeadroom)
  let hidFiles = false
  let nextAt = 0
  let measuring: {
    readonly walk: AbortController
    readonly isFrozen: boolean
    readonly done: Promise<void>
  } | null = null
  /** Number of callers that need it frozen, and the last change of its state. */
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

  /**
   * Changes the state. An execution that is being ended must not be thawed, and one that cannot be frozen must not
   * continue.
   */
  async function change(to: () => Promise<void>): Promise<void> {
    if (stopped === null && !signal.aborted) await to().catch(fail)
  }

  function noteLoss(space: DiskSpace): void {
    if (lastSpace === null) charge.clear({ bytes: 0, entries: 0 }, space)
    else lost = addUsage(lost, measureLoss(lastSpace, space))
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
      const next = addUsage(lostBefore, computeHeadroom(usage, quota))
      // A measurement without deleted files must not allow more of them.
      ceiling = first === null || isFrozen ? next : selectLower(ceiling, next)
      first ??= usage
      last = usage
      // A large working directory takes long to measure, and the processor is needed for other work.
      nextAt = performance.now() + Math.max(regularMs, 3 * (performance.now() - startedAt))
    } finally {
      if (isFrozen) await thaw()
    }
  }

  /**
   * Measures everything that its processes hold. Tries again if they cannot be inspected, or hide files and the
   * charge would be too high.
   */
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
        await continueBriefly()
        continue
      }
      hidFiles = usage.hidesFiles
      if (!hidFiles) {
        charge.clear(usage.seen, space, usage.written)
        return usage.seen
      }
      const charged = charge.chargeFor(usage.seen, space, usage.written)
      if (look === looks || isHarmless(charged)) return charged
      await continueBriefly()
    }
  }

  /** Lets the processes continue for a moment, in which they can receive a message that waits in a socket. */
  async function continueBriefly(): Promise<void> {
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
      // It would be measured while it writes, so it is measured again while it is frozen.
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
  /** If true, its processes hold files that could not be measured. */
  readonly hidesFiles: boolean
  readonly written: WrittenBytes
}

/** Measures everything, including deleted files that its processes hold. */
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

function addUsage(a: DiskUsage, b: DiskUsage): DiskUsage {
  return { bytes: a.bytes + b.bytes, entries: a.entries + b.entries }
}

function selectLower(a: DiskUsage, b: DiskUsage): DiskUsage {
  return { bytes: Math.min(a.bytes, b.bytes), entries: Math.min(a.entries, b.entries) }
}

function shareOf({ bytes, entries }: DiskUsage, share: number): DiskUsage {
  return { bytes: bytes * share, entries: entries * share }
}

function computeHeadroom(usage: DiskUsage, quota: DiskUsage): DiskUsage {
  const least = shareOf(quota, slack)
  return {
    bytes: Math.max(quota.bytes - usage.bytes, least.bytes),
    entries: Math.max(quota.entries - usage.entries, least.entries),
  }
}
