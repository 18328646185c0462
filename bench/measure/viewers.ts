import { setTimeout as delay } from "node:timers/promises"
import type { Child } from "../child.ts"
import type { ViewersRequest } from "../load/hold-viewers.ts"
import type { Target } from "../load/target.ts"
import type { Memory } from "../process-usage.ts"
import { type Own, startLoad, startServer, startUpstream, withChildren } from "./processes.ts"

/** Kilobytes (1000 bytes) for each run or viewer, while nothing is sent and after a garbage collection. */
export interface PerOne {
  readonly rssKb: number
  readonly heapKb: number
}

export interface ViewersResult {
  readonly viewers: number
  /** Memory of a run that waits for its model, without a viewer. */
  readonly run: PerOne
  /** Memory of a viewer if each viewer has a session of its own. */
  readonly viewer: PerOne
  /** Memory of a viewer if all viewers have the same session. */
  readonly sameSession: PerOne
  /** Memory of an open response of the hand-written server. */
  readonly limit: PerOne
}

const firstWord = { tokens: 1, perWrite: 1, pauseMs: 0, hold: true }
/** Milliseconds in which closed connections disappear and deferred work is done. */
const settleMs = 500

export async function measureViewers(viewers: number): Promise<ViewersResult> {
  const own = await gatewayViewers(viewers, viewers)
  const shared = await gatewayViewers(1, viewers)
  return {
    viewers,
    run: own.run,
    viewer: own.viewer,
    sameSession: shared.viewer,
    limit: await limitViewers(viewers),
  }
}

function gatewayViewers(
  sessions: number,
  viewers: number,
): Promise<{ readonly run: PerOne; readonly viewer: PerOne }> {
  return withChildren(async (own) => {
    const upstream = await own(startUpstream())
    // A part of the places is kept for other users and tenants. A run without a place would wait until others end.
    const settings = { maxConcurrentRuns: 2 * (sessions + 1) }
    const { target, child: gateway } = await startServer(own, "gateway", upstream, settings)
    await warmUp(own, target, viewers)
    const load = await own(startLoad())
    await load.ask("prepare", { target, streams: sessions })
    const start = await memory(gateway)
    await hold(load, { step: "run", target, script: firstWord })
    const before = await memory(gateway)
    await hold(load, { step: "watch", target, viewers })
    const after = await memory(gateway)
    return { run: perOne(start, before, sessions), viewer: perOne(before, after, viewers) }
  })
}

function limitViewers(viewers: number): Promise<PerOne> {
  return withChildren(async (own) => {
    const upstream = await own(startUpstream())
    const { target, child: limit } = await startServer(own, "limit", upstream)
    await warmUp(own, target, viewers)
    const load = await own(startLoad())
    await load.ask("prepare", { target, streams: 1 })
    const before = await memory(limit)
    await hold(load, { step: "watch", target, viewers })
    return perOne(before, await memory(limit), viewers)
  })
}

/**
 * Connects the same number of viewers before the measurement, and disconnects them. In a new process, the compiled code
 * of the first thousands of viewers would count as theirs.
 */
async function warmUp(own: Own, target: Target, viewers: number): Promise<void> {
  const load = await own(startLoad())
  await load.ask("prepare", { target, streams: 1 })
  if (target.type === "gateway") await hold(load, { step: "run", target, script: firstWord })
  await hold(load, { step: "watch", target, viewers })
  await load.stop()
}

function hold(load: Child, request: ViewersRequest): Promise<void> {
  return load.ask("viewers", request)
}

async function memory(server: Child): Promise<Memory> {
  await delay(settleMs)
  return server.ask("memory")
}

function perOne(before: Memory, after: Memory, count: number): PerOne {
  return {
    rssKb: (after.rssBytes - before.rssBytes) / 1000 / count,
    heapKb: (after.heapBytes - before.heapBytes) / 1000 / count,
  }
}
