import { expect, it, onTestFinished, vi } from "vitest"
import { openMemoryStore } from "../../../adapters/stores/sqlite/open.ts"
import type { CallRecord } from "../../../core/ports/model/call-record.ts"
import type { EndedAttempt } from "../../../core/ports/observer.ts"
import { systemClock } from "../../../core/time/clock.ts"
import { createRequestKeeper } from "./keep-requests.ts"

const sessionId = "sess_1"

function createAttempt(attempt: number, body: unknown): EndedAttempt {
  const record: CallRecord = { request: { form: "http", url: null, headers: {}, body }, response: null }
  return {
    ...{ tenant: "t", userId: "u", agent: "a", sessionId, runId: "run_1", traceparent: null },
    ...{ id: "e", stepId: "step_1", purpose: "response", attempt, provider: "p", model: "m", record },
    usage: { inputTokens: 0, outputTokens: 0, cacheReadInputTokens: 0, cacheCreationInputTokens: 0 },
    ...{ at: 1, cost: null, estimated: false, stopReason: "end", response: null, code: null },
    ...{ durationMs: 1, firstTokenMs: null },
  }
}

it("leaves out requests while 32 MiB wait for the store, and keeps later ones", async () => {
  const logger = { debug() {}, info() {}, warn: vi.fn(), error() {} }
  const store = await openMemoryStore({ clock: systemClock, logger })
  onTestFinished(() => store.close())
  await store.log.createSession({ id: sessionId, tenant: "t", userId: "u", agent: "a", createdAt: 1 })
  const { keptRequests } = store
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  const { put } = keptRequests
  keptRequests.put = async (...given) => {
    await released
    return put(...given)
  }
  const settings = { keep: "all", key: null, redact: [], maxBytes: 100_000_000 } as const
  const { observer, close } = createRequestKeeper({ ...settings, store: keptRequests, logger })
  const end = (attempt: number, characters: number) =>
    observer.onAttemptEnded?.(createAttempt(attempt, { messages: ["x".repeat(characters)] }))
  for (const attempt of [1, 2, 3]) end(attempt, 10_000_000)
  expect(logger.warn).not.toHaveBeenCalled()
  end(4, 10_000_000)
  expect(logger.warn).toHaveBeenCalledOnce()
  end(5, 1_000)
  release()
  await close()
  end(6, 10_000_000)
  await close()
  const kept = await keptRequests.list(sessionId, { limit: 10 })
  expect(kept.map(({ id }) => id)).toEqual([6, 5, 3, 2, 1].map((attempt) => `step_1.${attempt}`))
})
