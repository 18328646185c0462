import { expect, it } from "vitest"
import { OverloadedError, UnusableSchemaError } from "../../../core/errors.ts"
import type { JsonObject } from "../../../core/json/json.ts"
import type { Event } from "../../../core/log/entries.ts"
import { scriptedProvider } from "../../../testing/provider/scripted-provider.ts"
import { createAnyTool, createMemoryRun } from "../fixtures/memory-run.ts"
import { runLoop } from "../loop.ts"

const schema: JsonObject = { type: "object", properties: { city: { type: "string" } }, required: ["city"] }
const asked: Event = {
  type: "runStarted",
  agent: "agent",
  revision: "1",
  content: [{ type: "text", text: "Which city?" }],
  context: {},
  channel: null,
  model: null,
  outputSchema: schema,
}

function runOf(
  answers: readonly string[],
  tools = [createAnyTool("look", () => ({ type: "json", value: 1 }))],
) {
  const provider = scriptedProvider(
    answers.map((text) => [text === "look" ? { type: "toolCall", name: "look" } : { type: "text", text }]),
  )
  const run = createMemoryRun(provider, {
    tools,
    checkSchema: async (_schema, value) =>
      typeof value === "object" && value !== null && "city" in value
        ? { valid: true, input: value }
        : { valid: false, message: "city: is missing" },
  })
  run.recall(asked)
  return { provider, run }
}

it.each([
  ["JSON", '{"city":"Paris"}'],
  ["JSON in a code block", '\n```json\n{"city":"Paris"}\n```\n'],
])("a response with %s of the schema is the run's output", async (_, answer) => {
  const { run, provider } = runOf(["look", answer])
  await runLoop(run.context)
  expect(run.events.at(-1)).toMatchObject({ type: "runCompleted", output: { city: "Paris" } })
  expect(provider.requests[0]).toMatchObject({ outputSchema: schema })
  expect(provider.requests[0]?.system.at(-1)?.text).toContain(JSON.stringify(schema))
})

it.each([
  ["no JSON", "Paris, of course.", /it is not JSON/],
  ["JSON of another form", '{"town":"Paris"}', /city: is missing/],
])("a model whose response has %s receives the reason and may correct it", async (_, answer, problem) => {
  const { run, provider } = runOf([answer, '{"city":"Paris"}'])
  await runLoop(run.context)
  expect(run.events.at(-1)).toMatchObject({ type: "runCompleted", output: { city: "Paris" } })
  const told = provider.requests[1]?.messages.at(-1)
  expect(told).toMatchObject({ role: "user", content: [{ text: expect.stringMatching(problem) }] })
})

it("a second response that does not match fails the run", async () => {
  const { run, provider } = runOf(["Paris", "Paris!", '{"city":"Paris"}'])
  await runLoop(run.context)
  expect(provider.requests).toHaveLength(2)
  expect(run.events.at(-1)).toMatchObject({
    type: "runFailed",
    code: "output_invalid",
    message: expect.stringMatching(/does not match the requested schema: .*JSON/),
  })
})

it("a schema that cannot be used fails the run without a retry", async () => {
  const provider = scriptedProvider([[{ type: "text", text: '{"city":"Paris"}' }]])
  const checkSchema = () => Promise.reject(new UnusableSchemaError("it takes longer than 2000 ms"))
  const run = createMemoryRun(provider, { checkSchema })
  run.recall(asked)
  await runLoop(run.context)
  const message = "The requested output schema cannot be used."
  expect(run.events.at(-1)).toMatchObject({ type: "runFailed", code: "output_invalid", message })
})

it("a check that is refused as overloaded is repeated, without another model call", async () => {
  const provider = scriptedProvider([[{ type: "text", text: '{"city":"Paris"}' }]])
  let refusals = 0
  const checkSchema = async (_schema: JsonObject, input: unknown) => {
    if (refusals++ < 2) throw new OverloadedError("Too many checks wait.")
    return { valid: true, input } as const
  }
  const run = createMemoryRun(provider, { checkSchema })
  run.recall(asked)
  await runLoop(run.context)
  expect(provider.requests).toHaveLength(1)
  expect(run.events.at(-1)).toMatchObject({ type: "runCompleted", output: { city: "Paris" } })
})

it("a process that takes over before the check continues with it", async () => {
  const { run } = runOf(["Paris", '{"city":"Paris"}'])
  await runLoop(run.context)
  const untilCheck = run.events.findIndex(({ type }) => type === "outputRejected")
  const { run: next, provider } = runOf(['{"city":"Rome"}'])
  next.recall(...run.events.slice(2, untilCheck))
  await runLoop(next.context)
  expect(provider.requests).toHaveLength(1)
  expect(next.events.at(-1)).toMatchObject({ type: "runCompleted", output: { city: "Rome" } })
})
