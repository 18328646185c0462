import type { CommitFacts, Observer } from "../../src/core/ports/observer.ts"
import { createMetrics } from "../../src/features/telemetry/metrics/metrics.ts"
import { joinObservers } from "../../src/kernel/agent/observing/join-observers.ts"
import { median } from "../statistics.ts"

export interface ObserversResult {
  readonly calls: number
  /** Nanoseconds of one measurement, with its facts, by what is attached. */
  readonly none: number
  readonly counting: number
  readonly four: number
  readonly metrics: number
}

const logger = { debug() {}, info() {}, warn() {}, error() {} }

/** Measures one place that calls observers: the measurement of a commit, from the facts to the last observer. */
export async function measureObservers({
  repeats,
  calls,
}: {
  readonly repeats: number
  readonly calls: number
}) {
  let counted = 0
  const counter = (): Partial<Observer> => ({
    onCommit({ rows }) {
      counted += rows
    },
  })
  const of = (observers: readonly Partial<Observer>[]) => {
    const attached = observers.map((observer) => ({ observer, agent: null }))
    const joined = joinObservers(attached, logger)
    return median(Array.from({ length: repeats }, () => measureOnce(joined, calls)))
  }
  const metrics = await createMetrics({ readFigures: undefined, agents: [], logger })
  const result: ObserversResult = {
    calls,
    none: of([]),
    counting: of([counter()]),
    four: of([counter(), counter(), counter(), counter()]),
    metrics: of([metrics.observer]),
  }
  metrics.close()
  // Keeps the engine from removing the counters.
  if (counted === 0) throw new Error("No observer was called.")
  return result
}

function measureOnce(observers: Partial<Observer>, calls: number): number {
  const before = process.cpuUsage()
  for (let call = 0; call < calls; call++) {
    observers.onCommit?.({ sessions: 1, rows: call, durationMs: call, ok: true } satisfies CommitFacts)
  }
  // The time of the processor, which other programs do not change much.
  return (process.cpuUsage(before).user * 1e3) / calls
}
