import { expect, it } from "vitest"
import type { Json } from "../../../core/json/json.ts"
import { toQuestion } from "./question.ts"

const schema = { type: "object", properties: {} }
const levels = 100_000
const deep = JSON.parse(`${"[".repeat(levels)}${"]".repeat(levels)}`) as Json
const page = (url: string) => ({ mode: "url", message: "Log in.", url })

it("treats a question without a mode as a form, as the first servers sent it", () => {
  const question = { mode: "form", message: "Who?", schema }
  expect(toQuestion({ message: "Who?", requestedSchema: schema })).toEqual(question)
})

it.each([
  "https://pay.example/1",
  "http://localhost:3000/",
  "http://app.localhost/",
  "http://127.0.0.1:80/",
  "http://[::1]/",
])("passes on a link to %s", (url) => {
  expect(toQuestion(page(url))).toEqual({ ...page(url), elicitationId: null })
})

it.each([
  ["a link in the clear", page("http://bank.example/")],
  ["a link to what is only named like this machine", page("http://127.0.0.1.bank.example/")],
  ["a link that runs code", page("javascript:alert(1)")],
  ["a link to a file", page("file:///etc/passwd")],
  ["what is no link", page("bank")],
  ["a form without a schema", { message: "Who?" }],
  ["a form that is no object", { message: "Who?", requestedSchema: { type: "string" } }],
  ["a form that nests too deep", { message: "Who?", requestedSchema: { ...schema, properties: deep } }],
  ["a question without words", { requestedSchema: schema }],
  ["another mode", { mode: "voice", message: "Who?", requestedSchema: schema }],
  ["nothing", undefined],
])("does not pass on %s", (_what, params) => {
  expect(toQuestion(params)).toBeNull()
})
