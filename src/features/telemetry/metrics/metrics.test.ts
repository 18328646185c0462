import { expect, it, onTestFinished, vi } from "vitest"
import type { EndedAttempt } from "../../../core/ports/observer.ts"
import type { StoreFigures } from "../../../core/ports/store/figures.ts"
import { createMetrics, type MetricsParts } from "./metrics.ts"

const logger = { debug() {}, info() {}, warn: vi.fn(), error() {} }
const none = { count: 0, oldestMs: 0 }
const figures: StoreFigures = {
  queue: { count: 3, oldestMs: 1_500 },
  openRuns: 4,
  waits: { approval: { count: 2, oldestMs: 60_000 } },
  outbox: none,
  deadItems: 1,
  dueSchedules: none,
}

async function open(parts: Partial<MetricsParts> = {}) {
  const metrics = await createMetrics({ readFigures: async () => figures, agents: [], logger, ...parts })
  onTestFinished(() => metrics.close())
  return metrics
}

const run = { tenant: "acme", userId: "ada", agent: "a", sessionId: "s", runId: "r", traceparent: null }

function attempt(options: Partial<EndedAttempt> = {}): EndedAttempt {
  return {
    ...run,
    ...{ id: "e", at: 0, stepId: "t", purpose: "response", attempt: 1, provider: "p", model: "m" },
    usage: { inputTokens: 7, outputTokens: 5, cacheReadInputTokens: 3, cacheCreationInputTokens: 2 },
    ...{
      cost: 0.5,
      estimated: false,
      stopReason: "end",
      response: null,
      code: null,
      durationMs: 10,
      firstTokenMs: 5,
      record: null,
    },
    ...options,
  }
}

it("counts tokens and dollars of attempts, and attempts without a price", async () => {
  const { observer, read } = await open()
  observer.onAttemptEnded?.(attempt())
  observer.onAttemptEnded?.(attempt({ cost: null, code: "overloaded", provider: null }))
  const text = await read()
  const labels = 'agent="a",model="m",provider="p"'
  expect(text).toContain(`agent_gateway_tokens_total{${labels},kind="cache_read"} 3\n`)
  expect(text).toContain(`agent_gateway_cost_dollars_total{${labels}} 0.5\n`)
  expect(text).toContain(
    'agent_gateway_model_attempts_total{agent="a",model="m",provider="unknown",outcome="overloaded"} 1\n',
  )
})

it("has a bounded number of models, which clients may choose", async () => {
  const { observer, read } = await open()
  for (let n = 0; n < 250; n += 1) observer.onAttemptEnded?.(attempt({ model: `model-${n}` }))
  const dollars = (await read()).match(/^agent_gateway_cost_dollars_total\{.*$/gm) ?? []
  expect(dollars).toHaveLength(101)
  expect(dollars.at(-1)).toBe('agent_gateway_cost_dollars_total{agent="a",model="other",provider="p"} 75')
})

it("measures a turn up to its end or the end of its run, and leaves out turns that gave up their process", async () => {
  const { observer, read } = await open()
  const turn = { ...run, stepId: "t", turn: 1 }
  const lease = { ...run, epoch: 1, takeovers: 0 }
  const spent = { usage: attempt().usage, cost: null }
  observer.onTurnStarted?.({ ...turn, at: 1_000 })
  observer.onTurnEnded?.({ ...turn, ...spent, at: 3_000 })
  observer.onTurnStarted?.({ ...turn, at: 5_000 })
  observer.onLeaseEnded?.({ ...lease, outcome: "released", durationMs: 1 })
  observer.onTurnEnded?.({ ...turn, ...spent, at: 900_000 })
  const text = await read()
  expect(text).toContain('agent_gateway_turn_seconds_sum{agent="a"} 2\n')
  expect(text).toContain('agent_gateway_turn_seconds_count{agent="a"} 1\n')
})

it("marks the gauges of the store, and leaves them out while it cannot be read", async () => {
  let isUp = true
  const { read } = await open({
    readFigures: () => (isUp ? Promise.resolve(figures) : Promise.reject(new Error("down"))),
  })
  const text = await read()
  expect(text).toContain('agent_gateway_queue_messages{scope="store"} 3\n')
  expect(text).toContain('agent_gateway_waits_oldest_seconds{scope="store",kind="approval"} 60\n')
  expect(text).toContain('agent_gateway_outbox_items{scope="store",kind="dead"} 1\n')
  isUp = false
  const without = await read()
  expect(without).toContain("agent_gateway_store_up 0\n")
  expect(without).not.toContain('{scope="store"')
  expect(logger.warn).toHaveBeenCalledOnce()
})

it("reads the store once for requests that come together", async () => {
  const readFigures = vi.fn(async () => figures)
  const { read } = await open({ readFigures })
  const [first, second] = await Promise.all([read(), read()])
  expect(first).toBe(second)
  expect(readFigures).toHaveBeenCalledOnce()
})
