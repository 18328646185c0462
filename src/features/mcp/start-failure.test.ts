import { expect, it } from "vitest"
import { describeStartFailure } from "./start-failure.ts"

const http = {
  type: "http",
  url: new URL("https://ada:secret@mcp.example/mcp?token=1"),
  headers: {},
  oauth: {},
} as const
const stdio = { type: "stdio", command: "server", args: [], env: {}, cwd: null } as const

it("names the address without its secrets, and the innermost cause", () => {
  const refused = new AggregateError([new Error("connect ECONNREFUSED 192.0.2.1:443")], "")
  const thrown = new Error("Version negotiation probe failed: fetch failed", {
    cause: new TypeError("fetch failed", { cause: refused }),
  })
  expect(describeStartFailure(thrown, http)).toBe(
    "https://mcp.example/mcp: connect ECONNREFUSED 192.0.2.1:443",
  )
})

it("keeps the message of an error without a cause", () => {
  expect(describeStartFailure(new Error("it did not start within 200 ms"), stdio)).toBe(
    "it did not start within 200 ms",
  )
  expect(describeStartFailure("no", stdio)).toBe("no")
})

it("does not follow a cycle of causes forever", () => {
  const error = new Error("round")
  error.cause = error
  expect(describeStartFailure(error, stdio)).toBe("round")
})
