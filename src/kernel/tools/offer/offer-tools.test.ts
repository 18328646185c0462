import { describe, expect, test } from "vitest"
import type { JsonObject } from "../../../core/json/json.ts"
import type { ToolRules } from "../../../core/ports/tools/tool-rules.ts"
import { offerTools } from "./offer-tools.ts"

const specification = (inputSchema: JsonObject = { type: "object" }, more = {}) => ({
  name: "add",
  description: "Adds.",
  inputSchema,
  ...more,
})
const text = { type: "string" }
const strict: ToolRules = { plainRoot: true, itemsRequired: true, propertyNames: /^[\w.-]{1,64}$/ }

/** Returns the schema with which one tool is offered. */
function schemaOf(inputSchema: JsonObject, rules = strict) {
  return offerTools([specification(inputSchema)], rules).tools[0]?.inputSchema
}

test("a valid tool is offered unchanged", () => {
  const tool = specification({
    type: "object",
    properties: { a: text },
    required: ["a"],
    additionalProperties: false,
  })
  expect(offerTools([tool], strict)).toEqual({ tools: [tool], changes: [] })
})

describe("a tool is left out, and the others are offered, because of", () => {
  test.each<[string, object, RegExp]>([
    ["an empty name", { name: "" }, /name/],
    ["an illegal name", { name: "add\u001b[31m it" }, /name/],
    ["a schema that is none", { inputSchema: [] }, /schema is not an object/],
    ["a schema that nests without end", { inputSchema: nested(500) }, /nested/],
    [
      "a schema that is too large",
      { inputSchema: { type: "object", enum: ["x".repeat(200_000)] } },
      /larger than 131072 bytes/,
    ],
    [
      "a required property that the service refuses",
      { inputSchema: { type: "object", properties: { "a b": text }, required: ["a b"] } },
      /requires a property/,
    ],
  ])("%s", (_, more, reason) => {
    const rules = { propertyNames: strict.propertyNames as RegExp }
    const { tools, changes } = offerTools([specification({}, more), specification()], rules)
    expect(tools).toMatchObject([{ name: "add", description: "Adds." }])
    expect(changes).toMatchObject([{ action: "left_out", reason: expect.stringMatching(reason) }])
    expect(changes[0]?.tool).not.toContain("\u001b")
  })
})

test("tools beyond the provider's number and beyond a megabyte are left out", () => {
  const few = ["a", "b", "c"].map((name) => specification({}, { name }))
  const { tools, changes } = offerTools(few, { mostTools: 2 })
  expect(tools.map(({ name }) => name)).toEqual(["a", "b"])
  expect(changes).toMatchObject([
    { tool: "c", action: "left_out", reason: expect.stringContaining("2 tools") },
  ])
  const large = Array.from({ length: 12 }, (_, index) =>
    specification({ type: "object", enum: ["x".repeat(100_000)] }, { name: `tool_${index}` }),
  )
  expect(offerTools([...large, specification()], {}).tools.map(({ name }) => name)).toEqual([
    ...large.slice(0, 10).map(({ name }) => name),
    "add",
  ])
})

test("a description is truncated to the provider's limit or 16 384 characters, with a note", () => {
  const long = specification({}, { description: "🙂".repeat(5_000_000) })
  for (const [rules, most] of [
    [{ longestDescription: 1_024 }, 1_024],
    [{}, 16_384],
  ] as const) {
    const { tools, changes } = offerTools([long], rules)
    const { description = "" } = tools[0] ?? {}
    expect(description.length).toBeLessThanOrEqual(most)
    expect(description.length).toBeGreaterThan(most - 10)
    expect(description).toMatch(/🙂\n\[The description is truncated.\]$/u)
    expect(changes).toMatchObject([
      { tool: "add", action: "changed", reason: expect.stringContaining(`${most} of`) },
    ])
  }
})

test("a large schema is offered without its descriptions if that is enough", () => {
  const properties = { description: { ...text, description: "x".repeat(200_000) } }
  expect(schemaOf({ type: "object", properties })).toEqual({
    type: "object",
    properties: { description: text },
  })
})

test("optional properties that the provider refuses are not shown", () => {
  const { tools, changes } = offerTools(
    [specification({ type: "object", properties: { "a b": text, c: text } })],
    strict,
  )
  expect(tools[0]?.inputSchema.properties).toEqual({ c: text })
  expect(changes).toHaveLength(1)
})

describe("older forms of a schema become current ones:", () => {
  test.each<[string, JsonObject, JsonObject]>([
    ["an array without items", { type: "array" }, { type: "array", items: {} }],
    ["an optional array without items", { type: ["array", "null"] }, { type: ["array", "null"], items: {} }],
    ["a tuple", { type: "array", items: [text] }, { type: "array", prefixItems: [text], items: {} }],
    [
      "a tuple with a rest",
      { type: "array", items: [text], additionalItems: text },
      { type: "array", prefixItems: [text], items: text },
    ],
    ["an exclusive limit of draft 4", { minimum: 1, exclusiveMinimum: true }, { exclusiveMinimum: 1 }],
    ["an inclusive limit of draft 4", { maximum: 1, exclusiveMaximum: false }, { maximum: 1 }],
    ["a required flag of draft 3", { type: "string", required: true }, text],
    [
      "an array inside a definition",
      { anyOf: [{ not: { type: "array" } }] },
      { anyOf: [{ not: { type: "array", items: {} } }] },
    ],
  ])("%s", (_, property, expected) => {
    const schema = schemaOf({
      $schema: "http://json-schema.org/draft-04/schema#",
      properties: { a: property },
    })
    expect(schema).toEqual({ type: "object", properties: { a: expected } })
  })
})

describe("a root with", () => {
  const branch = (name: string, schema: JsonObject = text) => ({
    properties: { [name]: schema },
    required: [name],
  })

  test("alternatives becomes one object, and the description names them", () => {
    const inputSchema = {
      type: "object",
      oneOf: [branch("path"), branch("url")],
      additionalProperties: false,
    }
    const { tools, changes } = offerTools([specification(inputSchema)], strict)
    expect(tools).toEqual([
      {
        name: "add",
        description: "Adds.\nGive one of these sets of properties: (path) or (url).",
        inputSchema: { type: "object", properties: { path: text, url: text } },
      },
    ])
    expect(changes).toMatchObject([{ tool: "add", action: "changed" }])
  })

  test("alternatives keeps the properties that all of them require, and joins their rules for one property", () => {
    const action = (value: string, more: JsonObject) => ({
      properties: { action: { const: value }, value: more },
      required: ["action", "value"],
    })
    expect(
      schemaOf({ anyOf: [action("a", text), action("b", { type: "number" }), action("c", text)] }),
    ).toEqual({
      type: "object",
      properties: { action: { enum: ["a", "b", "c"] }, value: { anyOf: [text, { type: "number" }] } },
      required: ["action", "value"],
    })
  })

  test("parts includes all of them, even by reference", () => {
    const $defs = { Named: branch("name"), Both: { allOf: [{ $ref: "#/$defs/Named" }, branch("size")] } }
    expect(schemaOf({ $ref: "#/$defs/Both", $defs, required: ["other"] })).toMatchObject({
      type: "object",
      properties: { name: text, size: text },
      required: ["other", "name", "size"],
    })
  })

  test("a reference to itself, or to nothing, terminates", () => {
    for (const $ref of ["#/$defs/A", "#/$defs/B", "https://example.com/schema", "#"])
      expect(schemaOf({ $ref, $defs: { A: { $ref: "#/$defs/A" } } })).toMatchObject({
        type: "object",
        properties: {},
      })
  })

  test("many references to itself is flattened quickly", () => {
    const $ref = "#/$defs/A"
    const branches = Array.from({ length: 100 }, () => ({ $ref }))
    const many = {
      allOf: branches,
      $defs: { A: { allOf: branches, anyOf: branches, properties: { a: text } } },
    }
    expect(schemaOf(many)).toMatchObject({ properties: { a: text } })
  })

  test("composition is unchanged if the provider accepts it", () => {
    const inputSchema = { type: "object", oneOf: [branch("path"), branch("url")] }
    expect(schemaOf(inputSchema, {})).toEqual(inputSchema)
  })
})

function nested(levels: number): JsonObject {
  return JSON.parse(`${'{"not":'.repeat(levels)}{}${"}".repeat(levels)}`)
}
