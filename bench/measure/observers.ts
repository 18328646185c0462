import { AlwaysOffSampler, TracerProvider } from "@opentelemetry/sdk-trace"
import type { CommitFacts, Observer, ToolCallFacts } from "../../src/core/ports/observer.ts"
import { createMetrics } from "../../src/features/telemetry/metrics/metrics.ts"
import { createTraces } from "../../src/features/telemetry/traces/traces.ts"
import { joinObservers } from "../../src/kernel/agent/observing/join-observers.ts"
import { median } from "../statistics.ts"

export interface ObserversResult {
  readonly calls: number
  /** Nanoseconds of one measurement, with its facts, by what is attached. */
  readonly none: number
  readonly counting: number
  readonly four: number
  readonly metrics: number
  /** Nanoseconds of one call of an observer that makes spans of tool calls, with an SDK that drops all spans. */
  readonly dropped: number
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
  const tracerProvider = new TracerProvider({ sampler: new AlwaysOffSampler() })
  const settings = { conventions: "0.1.0" } as const
  const traces = await createTraces({ settings, redact: [], version: "bench", tracerProvider })
  const tracing = joinObservers([{ observer: traces.observer, agent: null }], logger)
  const result: ObserversResult = {
    calls,
    none: of([]),
    counting: of([counter()]),
    four: of([counter(), counter(), counter(), counter()]),
    metrics: of([metrics.observer]),
    dropped: median(Array.from({ length: repeats }, () => measureSpans(tracing, calls / 20))),
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

/** Measures spans with their facts. A span is two calls of an observer. */
function measureSpans(observers: Partial<Observer>, calls: number): number {
  const run = { tenant: "t", userId: "u", agent: "a", sessionId: "sess", runId: "run", traceparent: null }
  observers.onExecutionStarted?.({ ...run, at: 0, firstSpan: null })
  const result = { type: "json", value: null } as const
  const before = process.cpuUsage()
  for (let call = 0; call < calls; call++) {
    const facts: ToolCallFacts = { ...run, at: call, toolCallId: "call", tool: "look" }
    observers.onToolCallStarted?.(facts)
    const ended = { id: "e", server: null, durationMs: call, input: {}, result, interruption: null }
    observers.onToolCallEnded?.({ ...facts, ...ended, outcome: "completed" })
  }
  const spent = (process.cpuUsage(before).user * 1e3) / (2 * calls)
  observers.onExecutionEnded?.({ ...run, at: calls, outcome: "ended" })
  return spent
}
