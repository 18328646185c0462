import { z } from "@hono/zod-openapi"
import { expect, it } from "vitest"
import { listOf } from "./list.ts"

function counting() {
  let checks = 0
  const element = z.string().refine((text) => {
    checks++
    return text !== "wrong"
  })
  return { list: listOf(element, 1), checks: () => checks }
}

it("stops at the first 20 invalid elements", () => {
  const { list, checks } = counting()
  const { error } = list.safeParse(["right", ...Array(10_000).fill("wrong")])
  expect(error?.issues.map(({ path }) => path)).toEqual(Array.from({ length: 20 }, (_, index) => [index + 1]))
  expect(checks()).toBe(21)
})

it("returns the valid elements, and validates each once", () => {
  const { list, checks } = counting()
  expect(list.parse(["a", "b"])).toEqual(["a", "b"])
  expect(checks()).toBe(2)
})

it("validates nested lists in asynchronous parsing, too", async () => {
  const list = listOf(z.union([z.string(), listOf(z.literal("right"))]))
  expect(await list.parseAsync([["right"], "text"])).toEqual([["right"], "text"])
  const { error } = await list.safeParseAsync([["right"], ["wrong"]])
  expect(error?.issues.map(({ path }) => path)).toEqual([[1]])
})

it.each([[[]], ["text"], [{ length: 3 }], [null]])("refuses %j", (value) => {
  expect(counting().list.safeParse(value).success).toBe(false)
})
