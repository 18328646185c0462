import { describe, expect, it } from "vitest"
import { createLogger, type LoggerOptions } from "./logger.ts"

function capture(options: LoggerOptions = {}) {
  const lines: string[] = []
  const logger = createLogger({ ...options, destination: { write: (line) => lines.push(line) } })
  return { logger, lines, last: () => JSON.parse(lines.at(-1) ?? "null") as Record<string, unknown> }
}

describe("the logger", () => {
  it("writes fields and message as one line of JSON", () => {
    const { logger, lines, last } = capture()
    logger.info({ runId: "run_1", count: 2 }, "a run began")
    expect(lines).toHaveLength(1)
    expect(last()).toEqual({
      level: 30,
      time: expect.any(Number),
      runId: "run_1",
      count: 2,
      msg: "a run began",
    })
  })

  it("writes no control characters, and keeps the values", () => {
    const { logger, lines, last } = capture()
    logger.info({ tool: "a\u001b[2K\u009b1F\u202e" }, "the server said \u0090x")
    expect(lines.join("")).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}]/u)
    expect(last()).toMatchObject({ tool: "a\u001b[2K\u009b1F\u202e", msg: "the server said \u0090x" })
  })

  it("masks secrets in fields, messages, errors, causes and stacks", () => {
    const { logger, lines, last } = capture()
    const error = new Error("refused: Bearer abcdefgh12345678", {
      cause: new Error("postgres://app:hunter2@db/x"),
    })
    logger.error({ error, headers: { cookie: "session=1" } }, "the key sk-ant-api03-AbCdEf123456 failed")
    expect(last()).toMatchObject({
      msg: "the key [redacted] failed",
      headers: { cookie: "[redacted]" },
      error: {
        type: "Error",
        message: "refused: Bearer [redacted]",
        stack: expect.stringContaining("logger.test.ts"),
        cause: { message: "postgres://app:[redacted]@db/x" },
      },
    })
    expect(lines.join("")).not.toMatch(/abcdefgh12345678|hunter2|AbCdEf|session=1/)
  })

  it("masks the named fields", () => {
    const { logger, last } = capture({ redact: ["iban"] })
    logger.warn({ customer: { IBAN: "DE1" } }, "paid")
    expect(last()).toMatchObject({ customer: { IBAN: "[redacted]" } })
  })

  it("writes nothing below its level, and does not read it", () => {
    const { logger, lines } = capture({ level: "warn" })
    let looked = false
    const fields = {
      get costly() {
        looked = true
        return 1
      },
    }
    logger.debug(fields, "no")
    logger.info(fields, "no")
    expect(lines).toEqual([])
    expect(looked).toBe(false)
  })

  it("writes cyclic values", () => {
    const { logger, last } = capture()
    const cyclic: Record<string, unknown> = {}
    cyclic.self = cyclic
    logger.info({ cyclic }, "round")
    expect(last()).toMatchObject({ cyclic: { self: "[circular]" }, msg: "round" })
  })
})
