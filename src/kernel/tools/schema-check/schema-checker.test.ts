import { expect, it, onTestFinished } from "vitest"
import { ShuttingDownError, UnusableSchemaError } from "../../../core/errors.ts"
import type { JsonObject } from "../../../core/json/json.ts"
import { createSchemaChecker, type SchemaCheckerLimits } from "./schema-checker.ts"

const city = { type: "object", properties: { city: { type: "string" } }, required: ["city"] } as const
const endless = { type: "string", pattern: "^(a+)+$" }
const hostileText = `${"a".repeat(60)}!`
const late = "The value cannot be checked: its check takes longer than 200 ms."

const ann = { tenant: "acme", userId: "ann" }
const bob = { tenant: "acme", userId: "bob" }
const other = { tenant: "other", userId: "ann" }

function checker(limits: Partial<SchemaCheckerLimits> = {}) {
  const { check, close } = createSchemaChecker(limits)
  onTestFinished(close)
  return {
    close,
    check: (
      schema: JsonObject,
      value: unknown,
      { owner = ann, signal }: Partial<Parameters<typeof check>[2]> = {},
    ) => check(schema, value, { owner, ...(signal && { signal }) }),
  }
}

it("accepts a valid value, and names the invalid parts of another", async () => {
  const { check } = checker()
  expect(await check(city, { city: "Oslo" })).toEqual({ valid: true, input: { city: "Oslo" } })
  const message = expect.stringContaining("city must be string")
  expect(await check(city, { city: 7 })).toEqual({ valid: false, message })
})

it("distinguishes two schemas of the same id", async () => {
  const { check } = checker()
  const { properties: _, required: __, ...anything } = { ...city, $id: "https://example.com/answer" }
  expect(await check(anything, {})).toMatchObject({ valid: true })
  expect(await check({ ...city, $id: anything.$id }, {})).toMatchObject({ valid: false })
})

it("rejects an invalid schema every time", async () => {
  const { check } = checker()
  for (const _ of ["first", "second"]) {
    await expect(check({ type: "nonsense" }, {})).rejects.toThrow(UnusableSchemaError)
  }
})

it("ends a check that would take years, and continues with others", async () => {
  const { check } = checker()
  expect(await check(endless, hostileText)).toEqual({ valid: false, message: late })
  expect(await check(endless, "aaa")).toMatchObject({ valid: true })
  expect(await check(city, { city: "Oslo" })).toMatchObject({ valid: true })
})

it.each([
  ["patterns of names", { patternProperties: { "^(a+)+$": true } }, { [hostileText]: 1 }],
  ["references that double at each step", doubling(60), {}],
  ["as many choices as items", choices(1_000), Array.from({ length: 200_000 }, () => -1)],
  ["items that must differ", { uniqueItems: true }, Array.from({ length: 50_000 }, (_, index) => [index])],
])("ends a check that takes long because of %s", async (_, schema, value) => {
  expect(await checker().check(schema, value)).toEqual({ valid: false, message: late })
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

it("refuses a value of a schema that refers to itself endlessly", async () => {
  const message = expect.stringContaining("Maximum call stack")
  expect(await checker().check({ $ref: "#" }, {})).toEqual({ valid: false, message })
})

const maxSchemaCharacters = 100_000_000

it("gives up a schema that takes too long to compile, and does not retry it", async () => {
  const { check } = checker({ maxSchemaCharacters, cpuMs: { compiling: 500, checking: 200 } })
  let huge: JsonObject = { type: "string" }
  for (let depth = 0; depth < 4; depth++) huge = { properties: propertiesOf(huge, 20) }
  await expect(check(huge, {})).rejects.toThrow("takes longer than 500 ms")
  const before = process.cpuUsage()
  await expect(check(huge, {})).rejects.toThrow("takes longer than 500 ms")
  expect(process.cpuUsage(before).user).toBeLessThan(500_000)
})

function propertiesOf(schema: JsonObject, count: number): JsonObject {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`p${index}`, schema]))
}

it("ends a check that needs too much memory, and continues with others", async () => {
  const { check } = checker({
    maxSchemaCharacters,
    heapMb: 24,
    cpuMs: { compiling: 60_000, checking: 60_000 },
  })
  let huge: JsonObject = { type: "string" }
  for (let depth = 0; depth < 4; depth++) huge = { properties: propertiesOf(huge, 20) }
  await expect(check(huge, {})).rejects.toThrow(/memory/)
  expect(await check(city, { city: "Oslo" })).toMatchObject({ valid: true })
})

it("lets the checks of other users and tenants pass those of a hostile user", async () => {
  const { check } = checker()
  // Makes both threads start.
  await Promise.all([bob, other].map((owner) => check(city, { city: "Oslo" }, { owner })))
  let ended = 0
  const hostile = Promise.allSettled(
    Array.from({ length: 5 }, async () => {
      await check(endless, hostileText)
      ended += 1
    }),
  )
  for (const owner of [bob, other]) {
    expect(await check(city, { city: "Oslo" }, { owner })).toMatchObject({ valid: true })
    expect(ended).toBeLessThan(2)
  }
  await hostile
})

it("gives tenants turns while several hostile users of one tenant use all threads", async () => {
  const { check } = checker()
  let ended = 0
  const hostile = Promise.allSettled(
    Array.from({ length: 12 }, async (_, index) => {
      await check(endless, hostileText, { owner: { tenant: "acme", userId: `user ${index % 4}` } })
      ended += 1
    }),
  )
  expect(await check(city, { city: "Oslo" }, { owner: other })).toMatchObject({ valid: true })
  expect(ended).toBeLessThan(4)
  await hostile
})

it("refuses a check as overloaded if its user has too many waiting ones, and accepts those of others", async () => {
  const { check } = checker({ maxWaiting: 8 })
  const waiting = [1, 2, 3].map(() => check(endless, hostileText))
  await expect(check(city, { city: "Oslo" })).rejects.toMatchObject({
    ...{ code: "overloaded", status: 503, retryable: true },
  })
  for (const owner of [bob, other]) {
    expect(await check(city, { city: "Oslo" }, { owner })).toMatchObject({ valid: true })
  }
  await Promise.all(waiting)
  expect(await check(city, { city: "Oslo" })).toMatchObject({ valid: true })
})

it("does not compile a schema again for the checks that waited while it turned out to be unusable", async () => {
  const { check } = checker({ maxSchemaCharacters, cpuMs: { compiling: 500, checking: 200 } })
  let huge: JsonObject = { type: "string" }
  for (let depth = 0; depth < 4; depth++) huge = { properties: propertiesOf(huge, 20) }
  const before = process.cpuUsage()
  const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => check(huge, {})))
  for (const outcome of outcomes) {
    expect(outcome).toMatchObject({ status: "rejected", reason: expect.any(UnusableSchemaError) })
  }
  expect(process.cpuUsage(before).user).toBeLessThan(2_000_000)
})

it("rejects with the error of a value that cannot be written as JSON, and continues with others", async () => {
  const { check } = checker()
  const value = {
    toJSON: () => {
      throw new Error("not this")
    },
  }
  await expect(check({}, value)).rejects.toThrow("not this")
  expect(await check(city, { city: "Oslo" })).toMatchObject({ valid: true })
})

it("refuses values and schemas that are too large for a thread", async () => {
  const { check } = checker({ maxValueCharacters: 1_000, maxSchemaCharacters: 1_000 })
  const message = "The value has more than 1000 characters, which is too many."
  expect(await check({}, ["x".repeat(500), "y".repeat(500)])).toEqual({ valid: false, message })
  await expect(check({ description: "x".repeat(1_000) }, {})).rejects.toThrow(UnusableSchemaError)
})

it("rejects at once when the signal aborts, both for waiting and for running checks", async () => {
  const { check } = checker()
  const stop = new AbortController()
  const { signal } = stop
  const running = check(endless, hostileText, { signal })
  const waiting = check(endless, hostileText, { signal })
  stop.abort(new Error("canceled"))
  await expect(running).rejects.toThrow("canceled")
  await expect(waiting).rejects.toThrow("canceled")
  await expect(check(city, {}, { signal })).rejects.toThrow("canceled")
})

it("rejects running and waiting checks when it closes", async () => {
  const { check, close } = checker()
  const checks = [1, 2, 3].map(() => check(endless, hostileText))
  const outcomes = Promise.allSettled(checks)
  await close()
  for (const outcome of await outcomes) {
    expect(outcome).toMatchObject({ status: "rejected", reason: expect.any(ShuttingDownError) })
  }
  await expect(check(city, {})).rejects.toThrow(ShuttingDownError)
})

it("starts another thread after the idle ones have ended", async () => {
  const { check } = checker({ idleMs: 1 })
  for (const _ of ["first", "second"]) {
    expect(await check(city, { city: "Oslo" })).toMatchObject({ valid: true })
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
})
