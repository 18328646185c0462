import { afterEach, beforeEach, expect, it, vi } from "vitest"
import { StoreUnavailableError } from "../../core/errors.ts"
import { shortenOutages } from "./outage-logger.ts"

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => void vi.useRealTimers())

function createRecorder() {
  const lines: (readonly [level: string, fields: object, message: string])[] = []
  const record = (level: string) => (fields: object, message: string) =>
    void lines.push([level, fields, message])
  const logger = shortenOutages({
    debug: record("debug"),
    info: record("info"),
    warn: record("warn"),
    error: record("error"),
  })
  return { logger, lines }
}

const refused = () => new StoreUnavailableError({ detail: "connect ECONNREFUSED" })

it("writes the first line of each message without its stack, and then their number", () => {
  const { logger, lines } = createRecorder()
  for (let request = 0; request < 50; request++) {
    logger.error({ error: refused(), path: "/chat" }, "A request failed.")
    vi.advanceTimersByTime(1_000)
  }
  logger.warn({ error: refused() }, "Looking for work failed.")
  const reason = { code: "store_unavailable", reason: "connect ECONNREFUSED" }
  expect(lines).toEqual([
    ["error", { ...reason, path: "/chat" }, "A request failed."],
    ["warn", reason, "Looking for work failed."],
  ])
  vi.advanceTimersByTime(20_000)
  const [, , summary, ...others] = lines
  expect(summary).toEqual([
    "warn",
    { lines: { "A request failed.": 49 }, seconds: expect.any(Number) },
    expect.stringContaining("store was unavailable"),
  ])
  expect(others).toEqual([])
})

it("writes the next outage like the first one", () => {
  const { logger, lines } = createRecorder()
  for (let outage = 0; outage < 2; outage++) {
    logger.error({ error: refused() }, "A request failed.")
    vi.advanceTimersByTime(30_000)
  }
  expect(lines).toHaveLength(2)
})

it("leaves all other lines as they are", () => {
  const { logger, lines } = createRecorder()
  const error = new Error("Something else.")
  for (let line = 0; line < 2; line++) {
    logger.error({ error }, "A request failed.")
    logger.info({ error: refused() }, "A run was left open.")
  }
  expect(lines.map(([level, fields]) => [level, fields])).toEqual([
    ["error", { error }],
    ["info", { error: expect.any(StoreUnavailableError) }],
    ["error", { error }],
    ["info", { error: expect.any(StoreUnavailableError) }],
  ])
})
