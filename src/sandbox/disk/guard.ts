import { setTimeout as delay } from "node:timers/promises"
import type { DiskUsage } from "../workspace/usage.ts"
import { createHoldings, excessOf, type Holder } from "./holdings.ts"
import { type DiskSpace, isShort, readDiskSpace } from "./space.ts"
import { type DiskConsumer, type WatchedExecution, watchExecution } from "./watched-execution.ts"

/** Watches the disk on behalf of all executions of this process. */
export interface DiskGuard {
  /** Returns what the session's working directory took when it was last measured; null if that is not known. */
  lastUsageOf(session: Holder): DiskUsage | null
  watch(consumer: DiskConsumer): DiskWatch
}

export interface DiskWatch {
  /**
   * Notes what the working directory takes at the end of the execution. Resolves with what it may take: less than that,
   * but not less than before the execution, if the sessions of its user hold more than is left for all others.
   */
  record(usage: DiskUsage): Promise<DiskUsage>
  /** Resolves when nothing that the execution wrote is being deleted to make room. */
  settled(): Promise<void>
  /** Ends the watch at once. Rejects if the disk could not be watched. */
  end(): Promise<void>
}

export interface DiskGuardOptions {
  /** A folder of the file system that the working directories are on. */
  readonly path: string
  /** Quota of each working directory. */
  readonly quota: DiskUsage
  /** Default: what statfs(2) says of `path`. */
  readonly readSpace?: () => Promise<DiskSpace>
}

const intervalMs = 100
const stopTimeoutMs = 10_000
/** Until the kernel has freed the files that an execution held. Those in sockets it frees some time after their end. */
const freeingMs = 1_000
const freeingPollMs = 20

/**
 * Looks every 100 ms at what the file system has free, however long the working directories take to measure. If less is
 * free than the machine needs, it freezes all executions first, and only then finds out which of them to end.
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
  let isRelieving = false

  async function run(): Promise<void> {
    isRunning = true
    while (watched.size > 0) {
      try {
        const space = await readSpace()
        if (isShort(space)) await relieve()
        else {
          for (const execution of watched) execution.look(space)
          endGreedy(space)
        }
      } catch (error) {
        // Nothing goes on if it is not known how full the disk is.
        for (const execution of watched) execution.fail(error)
      }
      await delay(intervalMs)
    }
    isRunning = false
  }

  /** Ends executions that have grown while the sessions of their user hold more than is left for all others. */
  function endGreedy({ spare }: DiskSpace): void {
    for (const execution of watched) {
      const usage = execution.lastUsage
      if (usage === null || execution.growth(usage) <= 0) continue
      record(execution, usage)
      if (excessOf(holdings.ofUser(execution.session), spare).bytes > 0)
        execution.stop().catch(execution.fail)
    }
  }

  /**
   * Ends executions until enough is free: those over their quota, then those of the user whose sessions hold most, and
   * of one user those that have grown most.
   */
  async function relieve(): Promise<void> {
    isRelieving = true
    try {
      await Promise.all([...watched].map((execution) => execution.freeze()))
      for (const execution of await heaviestFirst([...watched])) {
        if (!isShort(await readSpace())) return
        const done = unlessEnded(execution, () => stopAndMakeRoom(execution))
        makingRoom.set(execution, done)
        await done.finally(() => makingRoom.delete(execution))
      }
    } finally {
      isRelieving = false
      await Promise.all([...watched].map((execution) => execution.thaw()))
    }
  }

  async function heaviestFirst(
    executions: readonly WatchedExecution[],
  ): Promise<readonly WatchedExecution[]> {
    const measured: {
      readonly execution: WatchedExecution
      readonly isOver: boolean
      readonly growth: number
    }[] = []
    for (const execution of executions) {
      await unlessEnded(execution, async () => {
        const usage = await execution.measure()
        const isOver = usage.bytes > quota.bytes || usage.entries > quota.entries
        record(execution, usage)
        measured.push({ execution, isOver, growth: execution.growth(usage) })
      })
    }
    return measured
      .map((each) => ({ ...each, held: holdings.ofUser(each.execution.session).bytes }))
      .toSorted(
        (a, b) =>
          Number(b.isOver) - Number(a.isOver) || descending(a.held, b.held) || descending(a.growth, b.growth),
      )
      .map(({ execution }) => execution)
  }

  /** No session holds more than its quota for long. */
  function record({ session }: WatchedExecution, { bytes, entries }: DiskUsage): void {
    holdings.record(session, {
      bytes: Math.min(bytes, quota.bytes),
      entries: Math.min(entries, quota.entries),
    })
  }

  async function stopAndMakeRoom(execution: WatchedExecution): Promise<void> {
    // An execution that cannot be ended keeps the others waiting no longer than this.
    await Promise.race([execution.stop(), delay(stopTimeoutMs)])
    if (execution.hidFiles) await waitForRoom()
    await execution.trim(quota)
    const { missing, margin } = await readSpace()
    if (missing.bytes === 0 && missing.entries === 0) return
    const { bytes, entries } = await execution.measure()
    await execution.trim({
      bytes: missing.bytes === 0 ? bytes : bytes - missing.bytes - margin.bytes,
      entries: missing.entries === 0 ? entries : entries - missing.entries - margin.entries,
    })
  }

  async function waitForRoom(): Promise<void> {
    const until = performance.now() + freeingMs
    while (isShort(await readSpace()) && performance.now() < until) await delay(freeingPollMs)
  }

  return {
    lastUsageOf: (session) => holdings.ofSession(session),
    watch(consumer) {
      const execution = watchExecution(consumer, { quota, readSpace })
      watched.add(execution)
      if (isRelieving) void execution.freeze()
      if (!isRunning) void run()
      return {
        async record(usage) {
          record(execution, usage)
          const { spare } = await readSpace()
          const excess = excessOf(holdings.ofUser(execution.session), spare)
          const { before } = execution
          return {
            bytes: Math.min(usage.bytes, Math.max(before.bytes, usage.bytes - excess.bytes)),
            entries: Math.min(usage.entries, Math.max(before.entries, usage.entries - excess.entries)),
          }
        },
        // An error in it fails the guard's own round.
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

/** Two infinite numbers are equal. */
function descending(a: number, b: number): number {
  return a === b ? 0 : b - a
}

/** Ignores an error whose cause is that the execution has ended meanwhile. */
async function unlessEnded({ signal }: WatchedExecution, task: () => Promise<void>): Promise<void> {
  try {
    await task()
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
