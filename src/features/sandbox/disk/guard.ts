import { setTimeout as delay } from "node:timers/promises"
import type { DiskUsage } from "../workspace/disk-usage.ts"
import { computeExcess, createHoldings, type HeldUsage, type Holder } from "./holdings.ts"
import { type DiskSpace, isShort, readDiskSpace } from "./space.ts"
import { type DiskConsumer, type WatchedExecution, watchExecution } from "./watched-execution.ts"

/** Watches the disk for all executions of this process. */
export interface DiskGuard {
  /** Returns the last measured usage of the session's working directory. Null if it is not known. */
  lastUsageOf(session: Holder): DiskUsage | null
  /** Returns the last measured usage of all known sessions. */
  usages(): readonly HeldUsage[]
  /** Forgets a session whose working directory was removed. It no longer counts for its user. */
  forget(sessionId: string): void
  /** Returns the free space of the file system. */
  readSpace(): Promise<DiskSpace>
  watch(consumer: DiskConsumer): DiskWatch
}

export interface DiskWatch {
  /**
   * Records the usage of the working directory at the end of the execution. Resolves to the allowed usage: less than
   * `usage` if the sessions of its user hold more than is left for all others, but not less than before the
   * execution.
   */
  record(usage: DiskUsage): Promise<DiskUsage>
  /** Resolves when no files of the execution are being deleted to free space. */
  settled(): Promise<void>
  /** Ends the watch at once. Rejects if the disk could not be watched. */
  end(): Promise<void>
}

export interface DiskGuardOptions {
  /** A folder on the file system of the working directories. */
  readonly path: string
  /** Quota of each working directory. */
  readonly quota: DiskUsage
  /** Returns the space. Default: the result of statfs(2) for `path`. */
  readonly readSpace?: () => Promise<DiskSpace>
}

const intervalMs = 100
const stopTimeoutMs = 10_000
/**
 * Milliseconds until the kernel has freed the files that an execution held. It frees files in sockets some time after
 * their end.
 */
const freeingMs = 1_000
const freeingPollMs = 20

/**
 * Checks the free space of the file system every 100 ms, however long the measurement of working directories takes.
 * If less is free than the machine needs, it first freezes all executions, and then decides which of them to end.
 */
export function createDiskGuard({
  path,
  quota,
  readSpace = () => readDiskSpace(path),
}: DiskGuardOptions): DiskGuard {
  const watched = new Set<WatchedExecution>()
  const holdings = createHoldings()
  const makingRoom = new Map<WatchedExecution, Promise<void>>()
  let isRunning = false
  let isFrozen = false

  async function run(): Promise<void> {
    isRunning = true
    while (watched.size > 0) {
      try {
        const space = await readSpace()
        if (isShort(space)) await relieve()
        else {
          for (const execution of watched) execution.look(space)
          await endGreedy(space)
        }
      } catch (error) {
        // No execution continues if the free space is unknown.
        for (const execution of watched) execution.fail(error)
      }
      await delay(intervalMs)
    }
    isRunning = false
  }

  /**
   * Ends a growing execution of a user whose sessions hold more bytes than the disk has left for all other users. If
   * there are several, ends the heaviest. The usage that is already known does not include hidden files, so it only
   * tells when to measure everything.
   */
  async function endGreedy({ spare }: DiskSpace): Promise<void> {
    const exceeds = (session: Holder) => computeExcess(holdings.ofUser(session), spare).bytes > 0
    const isDue = [...watched].some((execution) => {
      const usage = execution.lastUsage
      if (usage === null || execution.growth(usage) <= 0) return false
      record(execution, usage)
      return exceeds(execution.session)
    })
    if (!isDue) return
    await runWhileFrozen(async () => {
      const measured = await measureHeaviestFirst()
      const greedy = measured.find(({ execution, growth }) => growth > 0 && exceeds(execution.session))
      if (greedy !== undefined) await end(greedy.execution, (now) => now.spare.bytes > spare.bytes)
    })
  }

  /**
   * Ends executions until enough space is free: first those over their quota, then those of the user whose sessions
   * hold most. Of one user, those that have grown most come first.
   */
  function relieve(): Promise<void> {
    return runWhileFrozen(async () => {
      for (const { execution } of await measureHeaviestFirst()) {
        if (!isShort(await readSpace())) return
        await end(execution, (now) => !isShort(now))
      }
    })
  }

  /** Ends an execution. Then waits for a moment until the files that it hid are freed, which `hasRoom` recognizes. */
  async function end(execution: WatchedExecution, hasRoom: (now: DiskSpace) => boolean): Promise<void> {
    const done = ignoreEnd(execution, () => stopAndMakeRoom(execution, hasRoom))
    makingRoom.set(execution, done)
    await done.finally(() => makingRoom.delete(execution))
  }

  /** Freezes all executions, including those that start in the meantime, until the task ends. */
  async function runWhileFrozen(task: () => Promise<void>): Promise<void> {
    isFrozen = true
    try {
      await Promise.all([...watched].map((execution) => execution.freeze()))
      await task()
    } finally {
      isFrozen = false
      await Promise.all([...watched].map((execution) => execution.thaw()))
    }
  }

  async function measureHeaviestFirst(): Promise<readonly Measured[]> {
    const measured: Measured[] = []
    for (const execution of [...watched]) {
      await ignoreEnd(execution, async () => {
        const usage = await execution.measure()
        const isOver = usage.bytes > quota.bytes || usage.entries > quota.entries
        record(execution, usage)
        measured.push({ execution, isOver, growth: execution.growth(usage) })
      })
    }
    const readHolding = ({ execution }: Measured) => holdings.ofUser(execution.session).bytes
    return measured.toSorted(
      (a, b) =>
        Number(b.isOver) - Number(a.isOver) ||
        compareDescending(readHolding(a), readHolding(b)) ||
        compareDescending(a.growth, b.growth),
    )
  }

  /** Records usage. No session holds more than its quota for long. */
  function record({ session }: WatchedExecution, { bytes, entries }: DiskUsage): void {
    holdings.record(session, {
      bytes: Math.min(bytes, quota.bytes),
      entries: Math.min(entries, quota.entries),
    })
  }

  async function stopAndMakeRoom(
    execution: WatchedExecution,
    hasRoom: (now: DiskSpace) => boolean,
  ): Promise<void> {
    // An execution that cannot be ended must not delay the others for longer than this.
    await Promise.race([execution.stop(), delay(stopTimeoutMs)])
    if (execution.hidFiles) await waitForRoom(hasRoom)
    await execution.trim(quota)
    const { missing, margin } = await readSpace()
    if (missing.bytes === 0 && missing.entries === 0) return
    const { bytes, entries } = await execution.measure()
    await execution.trim({
      bytes: missing.bytes === 0 ? bytes : bytes - missing.bytes - margin.bytes,
      entries: missing.entries === 0 ? entries : entries - missing.entries - margin.entries,
    })
  }

  async function waitForRoom(hasRoom: (now: DiskSpace) => boolean): Promise<void> {
    const until = performance.now() + freeingMs
    while (!hasRoom(await readSpace()) && performance.now() < until) await delay(freeingPollMs)
  }

  return {
    lastUsageOf: (session) => holdings.ofSession(session),
    usages() {
      const current = new Map(holdings.all().map((held) => [held.session.id, held]))
      for (const { session, lastUsage } of watched)
        if (lastUsage !== null) current.set(session.id, { session, usage: lastUsage })
      return [...current.values()]
    },
    forget: (sessionId) => holdings.forget(sessionId),
    readSpace,
    watch(consumer) {
      const execution = watchExecution(consumer, { quota, readSpace })
      watched.add(execution)
      if (isFrozen) void execution.freeze()
      if (!isRunning) void run()
      return {
        async record(usage) {
          record(execution, usage)
          const { spare } = await readSpace()
          const excess = computeExcess(holdings.ofUser(execution.session), spare)
          const { before } = execution
          return {
            bytes: Math.min(usage.bytes, Math.max(before.bytes, usage.bytes - excess.bytes)),
            entries: Math.min(usage.entries, Math.max(before.entries, usage.entries - excess.entries)),
          }
        },
        // An error of the execution is reported by the guard's own round.
        settled: async () => makingRoom.get(execution)?.catch(() => {}),
        async end() {
          if (watched.delete(execution) && execution.lastUsage !== null)
            record(execution, execution.lastUsage)
          await execution.end()
        },
      }
    },
  }
}

/** The complete usage of an execution, hidden files included. */
interface Measured {
  readonly execution: WatchedExecution
  /** If true, it is over its quota. */
  readonly isOver: boolean
  /** Bytes by which it has grown. */
  readonly growth: number
}

/** Compares in descending order. Two infinite numbers are equal. */
function compareDescending(a: number, b: number): number {
  return a === b ? 0 : b - a
}

/** Ignores an error if its cause is the end of the execution. */
async function ignoreEnd({ signal }: WatchedExecution, task: () => Promise<void>): Promise<void> {
  try {
    await task()
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
