import { UrlElicitationRequiredError } from "@modelcontextprotocol/client"
import { expect, it } from "vitest"
import type { Json, JsonObject } from "../../../core/json/json.ts"
import { askFor, askToVisit, goOn } from "./rounds.ts"

const page = { mode: "url", message: "Log in.", url: "https://bank.example/", elicitationId: "e1" } as const
const request = { method: "elicitation/create", params: page } as const
const inTheClear = { ...request, params: { ...page, url: "http://bank.example/" } }

it("asks in the server's order and skips questions that no user may see, even with names like `constructor`", () => {
  const inputRequests = Object.fromEntries([
    ["b", request],
    ["hidden", inTheClear],
    ["__proto__", request],
  ])
  const first = askFor({ resultType: "input_required", inputRequests, requestState: "s" })
  const second = goOn({ kind: "elicitation", continuation: stored(first), action: "accept", content: null })
  const reply = goOn({ kind: "elicitation", continuation: stored(second), action: "cancel", content: null })
  expect(first).toMatchObject({ type: "wait", kind: "elicitation", question: page })
  expect(second).toMatchObject({ type: "wait", kind: "elicitation", question: page })
  const given = [
    ["b", { action: "accept" }],
    ["hidden", { action: "decline" }],
    ["__proto__", { action: "cancel" }],
  ]
  const inputResponses = Object.fromEntries(given)
  expect(reply).toEqual({ type: "send", reply: { inputResponses, requestState: "s" } })
})

it("sends no state back if none was given", () => {
  const step = askFor({ resultType: "input_required", inputRequests: { a: inTheClear } })
  expect(step).toEqual({ type: "send", reply: { inputResponses: { a: { action: "decline" } } } })
})

it("does not send a call again if the user would not visit its page", () => {
  const asked = askToVisit(new UrlElicitationRequiredError([page]))
  expect(asked).toMatchObject({ type: "wait", kind: "elicitation", question: page })
  const continuation = stored(asked)
  expect(goOn({ kind: "elicitation", continuation, action: "accept", content: null })).toEqual({
    type: "send",
    reply: {},
  })
  expect(goOn({ kind: "elicitation", continuation, action: "decline", content: null })).toMatchObject({
    code: "mcp_tool_error",
  })
})

/** Returns the step as it is read from the log. */
function stored(step: ReturnType<typeof askFor>): JsonObject {
  if (step.type !== "wait") throw new Error("Nothing is asked.")
  return JSON.parse(JSON.stringify(step.continuation)) as JsonObject
}

it("does not keep a question that is nested too deeply to store", () => {
  const levels = 100_000
  const deep = JSON.parse(`${"[".repeat(levels)}${"]".repeat(levels)}`) as Json
  const params = { message: "Who?", requestedSchema: { type: "object" as const, properties: {} }, deep }
  const hidden = { method: "elicitation/create", params } as const
  const step = askFor({ resultType: "input_required", inputRequests: { a: request, b: hidden } })
  expect(step).toMatchObject({ type: "error", code: "mcp_tool_error" })
})
