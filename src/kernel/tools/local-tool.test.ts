import { describe, expect, expectTypeOf, test } from "vitest"
import { z } from "zod"
import type { JsonObject } from "../../core/json/json.ts"
import type { Tool, ToolContext } from "../../core/ports/tools/tool.ts"
import { noTasks } from "../../core/runs/no-tasks.ts"
import { tool } from "./local-tool.ts"
import { createSchemaChecker } from "./schema-check/schema-checker.ts"
import type { StandardSchema } from "./standard-schema.ts"
import { content } from "./tool-content.ts"

const context: ToolContext = {
  signal: new AbortController().signal,
  session: { id: "sess_1", tenant: "test", userId: "user", channel: null },
  context: {},
  runId: "run_1",
  toolCallId: "call_1",
  idempotencyKey: "call_1",
  traceparent: null,
  answered: null,
  tasks: noTasks,
  ask: async () => ({ action: "decline", content: null }),
  emit() {},
  logger: { debug() {}, info() {}, warn() {}, error() {} },
}

const validationContext = {
  session: { id: "sess_1", tenant: "acme", userId: "ann" },
  signal: new AbortController().signal,
  checkSchema: createSchemaChecker().check,
}

const basics = { name: "echo", description: "Gives back its input." }

async function call(subject: Tool, input: JsonObject) {
  const validation = await subject.validate(input, validationContext)
  return validation.valid ? subject.execute(validation.input, context) : validation
}

function returning(value: unknown): Tool {
  return tool({ ...basics, inputSchema: z.object({}), execute: () => value })
}

describe("input by Zod", () => {
  const greet = tool({
    ...basics,
    inputSchema: z.object({
      name: z.string().default("you"),
      times: z.string().transform(Number),
    }),
    execute: (input, received) => {
      expectTypeOf(input).toEqualTypeOf<{ name: string; times: number }>()
      expectTypeOf(received).toEqualTypeOf<ToolContext>()
      return { input, call: received.toolCallId }
    },
  })

  test("is shown to the model as JSON Schema of the accepted input", () => {
    expect(greet.inputSchema).toMatchObject({
      type: "object",
      properties: { name: { type: "string", default: "you" }, times: { type: "string" } },
      required: ["times"],
    })
  })

  test("reaches the handler with defaults and transforms applied", async () => {
    expect(await call(greet, { times: "2" })).toEqual({
      type: "json",
      value: { input: { name: "you", times: 2 }, call: "call_1" },
    })
  })

  test("names every path of invalid input", async () => {
    const nested = tool({
      ...basics,
      inputSchema: z.object({ rows: z.array(z.object({ id: z.number() })), all: z.boolean() }),
      execute: () => null,
    })
    const outcome = await nested.validate({ rows: [{ id: "x" }] }, validationContext)
    expect(outcome).toEqual({
      valid: false,
      message: expect.stringMatching(/^rows\.0\.id: .*expected number.*; all: .*expected boolean/),
    })
  })

  test("the message about a thousand invalid values stays short", async () => {
    const list = tool({ ...basics, inputSchema: z.object({ ids: z.array(z.number()) }), execute: () => null })
    const outcome = await list.validate({ ids: Array.from({ length: 1000 }, () => "x") }, validationContext)
    expect(outcome).toEqual({ valid: false, message: expect.stringMatching(/ids\.19: .*; and 980 more$/) })
  })

  test("an object of schemas is refused with the way to make it a schema", () => {
    const inputSchema = { city: z.string() } as never
    expect(() => tool({ ...basics, inputSchema, execute: () => null })).toThrow(
      "Tool echo: its input is an object of schemas, not a schema. With Zod, put z.object() around it.",
    )
  })

  test("is refused when the tool is created if JSON Schema cannot express it", () => {
    expect(() => tool({ ...basics, inputSchema: z.object({ at: z.date() }), execute: () => null })).toThrow(
      "Tool echo: its input schema cannot be used: Date cannot be represented in JSON Schema",
    )
  })
})

describe("input by another Standard Schema", () => {
  const upperCase: StandardSchema<{ word: string }, { word: string; length: number }> = {
    "~standard": {
      version: 1,
      vendor: "made-up",
      validate: async (value) => {
        const { word } = value as { word?: unknown }
        return typeof word === "string"
          ? { value: { word: word.toUpperCase(), length: word.length } }
          : { issues: [{ message: "must be text", path: [{ key: "word" }] }] }
      },
      jsonSchema: { input: () => ({ type: "object", properties: { word: { type: "string" } } }) },
    },
  }

  test("is described and validated by the schema itself", async () => {
    const shout = tool({
      ...basics,
      inputSchema: upperCase,
      execute: (input) => {
        expectTypeOf(input).toEqualTypeOf<{ word: string; length: number }>()
        return input
      },
    })
    expect(shout.inputSchema).toEqual({ type: "object", properties: { word: { type: "string" } } })
    expect(await call(shout, { word: "hey" })).toEqual({ type: "json", value: { word: "HEY", length: 3 } })
    expect(await call(shout, {})).toEqual({ valid: false, message: "word: must be text" })
  })

  test("is refused when the tool is created if it has no JSON Schema", () => {
    const { jsonSchema: _, ...bare } = upperCase["~standard"]
    // @ts-expect-error The types refuse it as well.
    const build = () => tool({ ...basics, inputSchema: { "~standard": bare }, execute: () => null })
    expect(build).toThrow("Tool echo: its input schema (made-up) cannot be shown to a model")
  })
})

describe("input by plain JSON Schema", () => {
  const pick = tool({
    ...basics,
    inputSchema: {
      type: "object",
      properties: { id: { type: "integer" }, tags: { type: "array", items: { type: "string" } } },
      required: ["id"],
      additionalProperties: false,
    },
    execute: (input) => {
      expectTypeOf(input).toEqualTypeOf<JsonObject>()
      return input
    },
  })

  test("reaches the handler unchanged", async () => {
    expect(await call(pick, { id: 1, tags: ["a"] })).toEqual({ type: "json", value: { id: 1, tags: ["a"] } })
  })

  test("names every path of invalid input", async () => {
    const outcome = await pick.validate({ tags: [1] }, validationContext)
    expect(outcome).toEqual({
      valid: false,
      message: expect.stringMatching(/must have required property 'id'.*tags\/0 must be string/),
    })
  })

  test("may have the same $id in two tools", async () => {
    const build = (type: string) =>
      tool({
        ...basics,
        inputSchema: { $id: "https://example.test/input", type: "object", properties: { x: { type } } },
        execute: () => null,
      })
    const [text, number] = [build("string"), build("number")]
    expect(await text.validate({ x: "1" }, validationContext)).toMatchObject({ valid: true })
    expect(await number.validate({ x: "1" }, validationContext)).toMatchObject({ valid: false })
  })

  test("is copied, so that later changes have no effect", async () => {
    const required: string[] = []
    const late = tool({ ...basics, inputSchema: { type: "object", required }, execute: () => null })
    required.push("x")
    expect(late.inputSchema).toEqual({ type: "object", required: [] })
    expect(await late.validate({}, validationContext)).toMatchObject({ valid: true })
  })

  test.each([
    ["a misspelt type", { type: "object", properties: { a: { type: "strng" } } }, "type must be JSONType"],
    ["a dangling reference", { type: "object", properties: { a: { $ref: "#/$defs/a" } } }, "can't resolve"],
    ["an unknown dialect", { $schema: "urn:other", type: "object" }, "unsupported dialect"],
  ])("%s is refused when the tool is created", (_name, input, message) => {
    expect(() => tool({ ...basics, inputSchema: input, execute: () => null })).toThrow(message)
  })
})

describe("the result", () => {
  test("without a value is null", async () => {
    expect(await call(returning(undefined), {})).toEqual({ type: "json", value: null })
  })

  test("is JSON even if it looks like content", async () => {
    const value = { type: "content", content: [{ type: "text", text: "x" }] }
    expect(await call(returning(value), {})).toEqual({ type: "json", value })
  })

  test("marked as content is content", async () => {
    const parts = [{ type: "text", text: "seen" }] as const
    expect(await call(returning(content(parts)), {})).toEqual({ type: "content", content: parts })
  })

  test("that JSON cannot represent is an error that names the tool and the place", async () => {
    await expect(call(returning({ count: 1n }), {})).rejects.toMatchObject({
      code: "not_json",
      message: "The result of tool echo at .count is a bigint, which JSON cannot hold.",
    })
  })

  test("a thrown error is passed on", async () => {
    const failing = tool({
      ...basics,
      inputSchema: z.object({}),
      execute: () => {
        throw new RangeError("no such row")
      },
    })
    await expect(call(failing, {})).rejects.toThrow(new RangeError("no such row"))
  })
})

describe("the definition", () => {
  const valid = { ...basics, inputSchema: z.object({}), execute: () => null }

  test("passes the policies to the tool, and none that was not given", () => {
    const policies = { readOnly: true, idempotent: false, timeoutMs: 5, sequential: true }
    expect(tool({ ...valid, ...policies })).toMatchObject(policies)
    expect(Object.keys(tool(valid))).toEqual(["name", "description", "inputSchema", "validate", "execute"])
  })

  test.each([
    [
      "an unknown option",
      { retries: 3, constructor: 1 },
      "Tool echo: unknown option retries; unknown option constructor",
    ],
    ["a name with spaces", { name: "my tool" }, 'the name must be 1 to 64 letters, digits, "_" or "-"'],
    ["a name too long", { name: "x".repeat(65) }, "the name must be"],
    ["an empty description", { description: "  " }, "Tool echo: description: is empty"],
    ["no handler", { execute: undefined }, "Tool echo: execute must be a function"],
    ["a time limit of zero", { timeoutMs: 0 }, "Tool echo: timeoutMs: must be greater than 0"],
    ["a flag that is text", { readOnly: "yes" }, "Tool echo: readOnly: expected boolean"],
    ["input that is no object", { inputSchema: z.string() }, "Tool echo: its input must be an object schema"],
    [
      "input of alternatives",
      { inputSchema: z.union([z.object({}), z.object({})]) },
      "must be an object schema",
    ],
    ["no input", { inputSchema: undefined }, "Tool echo: its input must be a schema"],
  ])("refuses %s", (_name, change, message) => {
    expect(() => tool({ ...valid, ...change } as typeof valid)).toThrow(
      expect.objectContaining({ code: "invalid_configuration", message: expect.stringContaining(message) }),
    )
  })

  test("refuses a value that is not an object", () => {
    expect(() => tool(null as unknown as typeof valid)).toThrow("tool() takes one object")
  })
})

describe("a client tool", () => {
  const definition = {
    name: "where",
    description: "Where?",
    inputSchema: { type: "object" },
    executionLocation: "client",
  } as const

  test("has no handler and is marked for execution by the client", async () => {
    const where = tool(definition)
    expect(where.executionLocation).toBe("client")
    await expect(where.execute({}, {} as never)).rejects.toThrow("executed by the client")
  })

  test.each([
    [{ ...definition, execute: () => 1 }, "a client tool has no execute"],
    [{ ...definition, executionLocation: "browser" }, 'executionLocation: must be "backend" or "client"'],
    [{ ...definition, needsApproval: "always" }, "needsApproval: must be true, false or a function"],
    [{ ...definition, qualifier: "path" }, "qualifier: expected a function"],
  ])("is refused: %j", (wrong, message) => {
    expect(() => tool(wrong as never)).toThrow(message)
  })
})

test("the policy for approvals and the qualifier receive the same input as execute, typed by the schema", async () => {
  const received: unknown[] = []
  const pay = tool({
    name: "pay",
    description: "Pays.",
    inputSchema: z.object({ amount: z.string().transform(Number), currency: z.string().default("EUR") }),
    needsApproval: ({ input: { amount } }) => amount.toFixed(0) === "9",
    qualifier: ({ currency }) => currency.toLowerCase(),
    execute: (input) => received.push(input),
  })
  const validation = await pay.validate({ amount: "9" }, validationContext)
  if (!validation.valid || typeof pay.needsApproval !== "function") throw new Error("unexpected")
  const { signal } = new AbortController()
  expect(validation.input).toEqual({ amount: 9, currency: "EUR" })
  expect(await pay.needsApproval({ input: validation.input, signal })).toBe(true)
  expect(pay.qualifier?.(validation.input)).toBe("eur")
})

test("the policy for approvals and the qualifier are passed to the tool", () => {
  const needsApproval = () => true
  const qualifier = () => "q"
  const pay = tool({
    name: "pay",
    description: "Pay.",
    inputSchema: { type: "object" },
    needsApproval,
    qualifier,
    execute: () => 1,
  })
  expect(pay).toMatchObject({ needsApproval, qualifier })
})
