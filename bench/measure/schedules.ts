import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { randomIds } from "../../src/core/ids.ts"
import type { ModelEnd } from "../../src/core/ports/model/provider.ts"
import type { WholeStore } from "../../src/core/ports/store/store.ts"
import { systemClock } from "../../src/core/time/clock.ts"
import { noUsage } from "../../src/core/usage.ts"
import { createAgent } from "../../src/gateway/create-agent.ts"
import type { Gateway } from "../../src/gateway/gateway.ts"
import { sqliteStore } from "../../src/gateway/service/open-store.ts"
import { median } from "../statistics.ts"

export interface SchedulesResult {
  readonly schedules: number
  /** Microseconds of one query for due schedules while none is due. */
  readonly idleLook: number
  /**
   * Seconds until all schedules that were due at the same moment have fired. `endedSeconds`: until all their runs
   * have ended.
   */
  readonly firedSeconds: number
  readonly endedSeconds: number
  /** Maximum megabytes of heap above the heap at the start, including garbage. */
  readonly heapMb: number
  /** Milliseconds of a run of another user before the schedules are due. `runMeanwhile`: while they are due. */
  readonly runAlone: { readonly p50: number; readonly max: number }
  readonly runMeanwhile: { readonly p50: number; readonly max: number }
}

const silent = { debug() {}, info() {}, warn() {}, error() {} }
const hour = 3_600_000
const schedulesPerUser = 20

export async function measureSchedules({
  schedules,
}: {
  readonly schedules: number
}): Promise<SchedulesResult> {
  const folder = await mkdtemp(join(tmpdir(), "agent-gateway-bench-"))
  try {
    const store = await openSqlite(folder)
    await seed(store, schedules, (await store.log.now()) + hour)
    const idleLook = await timeIdleLook(store)
    await store.close()
    return await fireAll(schedules, idleLook)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function openSqlite(folder: string): Promise<WholeStore> {
  return sqliteStore(folder).open({ durability: "process", clock: systemClock, logger: silent })
}

async function seed(store: WholeStore, count: number, dueAt: number): Promise<void> {
  for (let number = 0; number < count; number++) {
    await store.schedules.create(
      {
        tenant: "bench",
        userId: `user-${Math.floor(number / schedulesPerUser)}`,
        id: randomIds.next("sched"),
        agent: "agent",
        name: `schedule-${number}`,
        origin: "user",
        spec: {
          every: "1h",
          timezone: "UTC",
          message: "Work.",
          session: "fresh",
          overlap: "skip",
          catchUp: "one",
        },
        sessionId: null,
        createdAt: dueAt - hour,
        nextAt: dueAt,
        wakeAt: dueAt,
      },
      { perOwner: count, perAgent: count },
    )
  }
}

async function timeIdleLook(store: WholeStore): Promise<number> {
  const looks = 2_000
  const start = performance.now()
  for (let look = 0; look < looks; look++) await store.schedules.nextDue("agent")
  return ((performance.now() - start) * 1_000) / looks
}

async function fireAll(schedules: number, idleLook: number): Promise<SchedulesResult> {
  const folder = await mkdtemp(join(tmpdir(), "agent-gateway-bench-"))
  let ended = 0
  const agent = createAgent("You work.", {
    store: folder,
    logger: silent,
    allowSchedules: true,
    maxRetries: 0,
    provider: {
      name: "bench",
      defaultModel: "bench",
      async *stream() {
        ended += 1
        const content = [{ type: "text", text: "Done." } as const]
        const usage = { ...noUsage, inputTokens: 10, outputTokens: 2 }
        yield { type: "end", content, stopReason: "end", usage, model: "bench" } satisfies ModelEnd
      },
    },
  })
  const store = await openSqlite(folder)
  try {
    const before = await timeRuns(agent, 20)
    const heap = process.memoryUsage().heapUsed / 1e6
    let most = 0
    const sampling = setInterval(() => {
      most = Math.max(most, process.memoryUsage().heapUsed / 1e6 - heap)
    }, 50)
    const runsBefore = ended
    await seed(store, schedules, await store.log.now())
    const start = performance.now()
    const meanwhile: number[] = []
    let firedSeconds: number | null = null
    while (ended - meanwhile.length - runsBefore < schedules) {
      meanwhile.push(...(await timeRuns(agent, 1)))
      const isFired = firedSeconds === null && ((await store.schedules.nextDue("agent")) ?? 1) > 0
      if (isFired) firedSeconds = (performance.now() - start) / 1_000
      await delay(100)
    }
    clearInterval(sampling)
    const endedSeconds = (performance.now() - start) / 1_000
    return {
      schedules,
      idleLook,
      firedSeconds: firedSeconds ?? endedSeconds,
      endedSeconds,
      heapMb: most,
      runAlone: spread(before),
      runMeanwhile: spread(meanwhile),
    }
  } finally {
    await store.close()
    await agent.close()
    await rm(folder, { recursive: true, force: true })
  }
}

/** Returns the milliseconds of runs of a user without schedules, which run one after the other. */
async function timeRuns(agent: Gateway, count: number): Promise<readonly number[]> {
  const taken: number[] = []
  for (let run = 0; run < count; run++) {
    const start = performance.now()
    await agent.run("Hello.", { userId: "another" })
    taken.push(performance.now() - start)
  }
  return taken
}

function spread(taken: readonly number[]): { readonly p50: number; readonly max: number } {
  return { p50: median(taken), max: Math.max(...taken) }
}
