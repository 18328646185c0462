import { describe, expect, it } from "vitest"
import { createLogger } from "./logger.ts"

function capture() {
  const lines: string[] = []
  const destination = { write: (line: string) => void lines.push(line) }
  return { lines, logger: createLogger({ level: "debug", form: "text", destination }) }
}

const time = "\\d\\d:\\d\\d:\\d\\d"

describe("a log for people", () => {
  it("has a line with the time, the message and the fields", () => {
    const { logger, lines } = capture()
    logger.info({ tool: "read_note", input: "two words", n: [1] }, "A tool call began.")
    expect(lines).toEqual([
      expect.stringMatching(
        new RegExp(`^${time} A tool call began\\. tool=read_note input="two words" n=\\[1\\]\n$`),
      ),
    ])
  })

  it("shows the level of warnings and errors only", () => {
    const { logger, lines } = capture()
    logger.warn({}, "Careful.")
    logger.error({}, "It failed.")
    expect(lines[0]).toMatch(new RegExp(`^${time} warn Careful\\.\n$`))
    expect(lines[1]).toMatch(new RegExp(`^${time} error It failed\\.\n$`))
  })

  it("shows a request, and the duration and cost of an operation", () => {
    const { logger, lines } = capture()
    logger.info({ method: "GET", path: "/api/health", status: 200, durationMs: 3 }, "Responded to a request.")
    const usage = { inputTokens: 10, outputTokens: 5, cacheCreationInputTokens: 2, cacheReadInputTokens: 3 }
    logger.info({ durationMs: 1_234, usage, cost: 0.00123 }, "A model call ended.")
    expect(lines[0]).toContain("GET /api/health 200 Responded to a request. 3 ms\n")
    expect(lines[1]).toContain("A model call ended. 1.2 s 15→5 tokens $0.0012\n")
  })

  it("shows the stack of an error and of its cause below it", () => {
    const { logger, lines } = capture()
    const error = new Error("no such note", { cause: new Error("the disk is gone") })
    logger.error({ error }, "A tool threw an error.")
    expect(lines[0]).toMatch(/A tool threw an error\.\n {4}Error: no such note\n {8}at .+\n/)
    expect(lines[0]).toContain("    caused by:\n    Error: the disk is gone\n")
  })

  it("escapes control characters, and shows no secret", () => {
    const { logger, lines } = capture()
    logger.info(
      { tool: "a\u001b[2K", note: "two\nlines\u202e" },
      "It said \u009b1F, with sk-ant-api03-AbCdEf123456",
    )
    expect(lines.join("")).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}]/u)
    expect(lines.join("").trimEnd()).not.toContain("\n")
    expect(lines.join("")).not.toContain("AbCdEf")
  })

  it("truncates long values", () => {
    const { logger, lines } = capture()
    logger.info({ text: "x".repeat(1_000) }, "Long.")
    expect(lines[0]).toMatch(/text=x{400}… \[600 more characters\]\n$/)
  })
})
