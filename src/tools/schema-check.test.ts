import { setTimeout as delay } from "node:timers/promises"
import { expect, it } from "vitest"
import type { JsonObject } from "../core/json.ts"
import { createSchemaCheck } from "./schema-check.ts"

const city = { type: "object", properties: { city: { type: "string" } }, required: ["city"] } as const

it("takes a value that fits, and names what does not in another", () => {
  const check = createSchemaCheck()
  expect(check(city, { city: "Oslo" })).toEqual({ valid: true, input: { city: "Oslo" } })
  expect(check(city, { city: 7 })).toEqual({
    valid: false,
    message: expect.stringContaining("city must be string"),
  })
})

it("keeps two schemas of the same id apart", () => {
  const check = createSchemaCheck()
  const { properties: _, required: __, ...anything } = { ...city, $id: "https://example.com/answer" }
  expect(check(anything, {})).toMatchObject({ valid: true })
  expect(check({ ...city, $id: anything.$id }, {})).toMatchObject({ valid: false })
})

it("throws for what is no schema, every time", () => {
  const check = createSchemaCheck()
  for (const _ of ["first", "second"]) expect(() => check({ type: "nonsense" }, {})).toThrow("nonsense")
})

it("does not take a value whose check would take years, and goes on with others", async () => {
  const check = createSchemaCheck()
  const endless = { type: "string", pattern: "^(a+)+$" }
  const began = process.cpuUsage()
  expect(check(endless, `${"a".repeat(60)}!`)).toEqual({
    valid: false,
    message: "It cannot be checked: it takes longer than 200 ms.",
  })
  await delay(0)
  // Far less than years, in microseconds of the processor's time.
  expect(process.cpuUsage(began).user).toBeLessThan(5_000_000)
  expect(check(endless, "aaa")).toMatchObject({ valid: true })
  expect(check(city, { city: "Oslo" })).toMatchObject({ valid: true })
})

it.each([
  ["patterns of names", { patternProperties: { "^(a+)+$": true } }, { [`${"a".repeat(60)}!`]: 1 }],
  ["references that double at each step", doubling(60), {}],
  ["as many choices as items", choices(1_000), Array.from({ length: 200_000 }, () => -1)],
  ["items that must differ", { uniqueItems: true }, Array.from({ length: 50_000 }, (_, index) => [index])],
])("does not take a value whose check takes years because of %s", (_, schema, value) => {
  const message = "It cannot be checked: it takes longer than 200 ms."
  expect(createSchemaCheck()(schema, value)).toEqual({ valid: false, message })
})

function choices(count: number): JsonObject {
  return { items: { anyOf: Array.from({ length: count }, (_, index) => ({ const: index })) } }
}

function doubling(steps: number): JsonObject {
  const step = (index: number) => ({ $ref: `#/$defs/s${index + 1}` })
  const names = Array.from({ length: steps }, (_, index) => [
    `s${index}`,
    index === steps - 1 ? { type: "object" } : { allOf: [step(index), step(index)] },
  ])
  return { $defs: Object.fromEntries(names), $ref: "#/$defs/s0" }
}

it("does not take a value of a schema that goes round in circles", () => {
  const message = expect.stringContaining("It cannot be checked: Maximum call stack")
  expect(createSchemaCheck()({ $ref: "#" }, {})).toEqual({ valid: false, message })
})

it("gives up a schema that takes too long to compile, once", () => {
  const check = createSchemaCheck()
  let huge: JsonObject = { type: "string" }
  for (let depth = 0; depth < 4; depth++) huge = { properties: propertiesOf(huge, 20) }
  const [first, second] = [refusalOf(() => check(huge, {})), refusalOf(() => check(huge, {}))]
  expect(first).toMatchObject({ message: "it takes longer than 2000 ms." })
  // The same one: it was remembered, not found out again.
  expect(second).toBe(first)
})

function refusalOf(work: () => unknown): unknown {
  try {
    return work()
  } catch (thrown) {
    return thrown
  }
}

function propertiesOf(schema: JsonObject, count: number): JsonObject {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`p${index}`, schema]))
}
