import { expect, test } from "vitest"
import type { JsonObject } from "../../../core/json/json.ts"
import { createOutputFormat } from "./output-format.ts"

const object = (properties: JsonObject, more: JsonObject = {}): JsonObject => ({
  type: "object",
  properties,
  required: Object.keys(properties),
  ...more,
})

test("objects are closed, and rules that a grammar cannot express become a description", async () => {
  const schema = object({ age: { type: "integer", minimum: 0 }, name: { type: ["string", "null"] } })
  expect(await createOutputFormat(schema)).toEqual({
    type: "json_schema",
    schema: {
      ...schema,
      properties: {
        age: { type: "integer", description: "{minimum: 0}" },
        name: { type: ["string", "null"] },
      },
      additionalProperties: false,
    },
  })
})

test("lists, alternatives, constants and descriptions are kept", async () => {
  const schema = object({
    items: { type: "array", items: { anyOf: [{ type: "string" }, object({ kind: { const: "a" } })] } },
    size: { enum: ["s", "m"], description: "How large" },
  })
  expect(JSON.stringify(await createOutputFormat(schema))).toMatch(/"anyOf".*"const":"a".*"How large"/)
})

const optional = (count: number) =>
  object(Object.fromEntries(Array.from({ length: count }, (_, i) => [`p${i}`, { type: "string" }])), {
    required: [],
  })

test.each<[string, JsonObject]>([
  ["no object", { type: "array", items: { type: "string" } }],
  ["a map", object({ counts: { type: "object", additionalProperties: { type: "number" } } })],
  ["an object of anything", object({ any: { type: "object" } })],
  ["an object that may have more", object({}, { additionalProperties: true })],
  ["patterned properties", object({}, { patternProperties: { "^x": { type: "string" } } })],
  ["a part of any type", object({ any: {} })],
  ["a list of anything", object({ list: { type: "array" } })],
  ["an object or null by a list of types", object({ maybe: { ...object({}), type: ["object", "null"] } })],
  ["a reference", object({ next: { $ref: "#" } })],
  ["an intersection", object({ both: { allOf: [object({ a: { type: "string" } })] } })],
  ["too many optional properties", object({ list: { type: "array", items: optional(11) } })],
])("leaves a schema with %s to the prompt", async (_, schema) => {
  expect(await createOutputFormat(schema)).toBeNull()
})

test("ten optional properties are allowed", async () => {
  expect(await createOutputFormat(optional(10))).not.toBeNull()
})
