import { expect, it } from "vitest"
import { addSchemaDefaults } from "./schema-defaults.ts"

const schema = {
  type: "object",
  properties: {
    name: { type: "string", default: "Ada" },
    email: { type: "string" },
    address: { type: "object", properties: { country: { type: "string", default: "IS" } } },
    toString: { type: "boolean", default: false },
  },
}

it("adds missing values at any depth, and changes no given value", () => {
  const given = { name: "", address: { city: "Reykjavík" }, more: [1] }
  expect(addSchemaDefaults(schema, given)).toEqual({
    name: "",
    address: { city: "Reykjavík", country: "IS" },
    more: [1],
    toString: false,
  })
  expect(given).toEqual({ name: "", address: { city: "Reykjavík" }, more: [1] })
})

it("creates no objects itself, and accepts any schema", () => {
  expect(addSchemaDefaults(schema, {})).toEqual({ name: "Ada", toString: false })
  expect(addSchemaDefaults({ properties: [1], type: "object" }, { a: 1 })).toEqual({ a: 1 })
  expect(addSchemaDefaults({ properties: { a: true } }, {})).toEqual({})
})
