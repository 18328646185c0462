import { expect, it, onTestFinished, vi } from "vitest"
import { guardLogger } from "./guard-logger.ts"

const levels = ["debug", "info", "warn", "error"] as const

function watchWarnings() {
  const warn = vi.spyOn(process, "emitWarning").mockReturnValue(undefined)
  onTestFinished(() => warn.mockRestore())
  return warn
}

const failures = [
  [
    "throws",
    () => {
      throw new Error("full disk")
    },
  ],
  ["rejects", async () => Promise.reject(new Error("full disk"))],
] as const

it.each(failures)("a logger that %s fails no caller, and is reported once", async (_how, fail) => {
  const warn = watchWarnings()
  const logger = guardLogger({ debug: fail, info: fail, warn: fail, error: fail })
  for (const level of levels) logger[level]({}, "A line.")
  await new Promise((resolve) => setImmediate(resolve))
  expect(warn).toHaveBeenCalledOnce()
  expect(warn.mock.calls[0]?.[0]).toContain("The logger failed: full disk")
})

it("a logger receives its lines as a method of its own object", () => {
  const lines: unknown[] = []
  const own = {
    prefix: "own",
    write(fields: object, message: string) {
      lines.push([this.prefix, fields, message])
    },
  }
  const logger = guardLogger({
    ...own,
    debug: own.write,
    info: own.write,
    warn: own.write,
    error: own.write,
  } as never)
  logger.warn({ a: 1 }, "A line.")
  expect(lines).toEqual([["own", { a: 1 }, "A line."]])
})
