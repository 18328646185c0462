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

it("returns the valid elements", () => {
  expect(counting().list.parse(["a", "b"])).toEqual(["a", "b"])
})

it.each([[[]], ["text"], [{ length: 3 }], [null]])("refuses %j", (value) => {
  expect(counting().list.safeParse(value).success).toBe(false)
})
