import { expect, it } from "vitest"
import { createOutputValidator } from "./output-validator.ts"

const city = { type: "object", properties: { city: { type: "string" } }, required: ["city"] } as const

it("takes an answer that fits, and names what does not in another", async () => {
  const validate = createOutputValidator()
  expect(await validate(city, { city: "Oslo" })).toEqual({ valid: true, input: { city: "Oslo" } })
  expect(await validate(city, { city: 7 })).toEqual({
    valid: false,
    message: expect.stringContaining("city must be string"),
  })
})

it("keeps two schemas of the same id apart", async () => {
  const validate = createOutputValidator()
  const { properties: _, required: __, ...anything } = { ...city, $id: "https://example.com/answer" }
  expect(await validate(anything, {})).toMatchObject({ valid: true })
  expect(await validate({ ...city, $id: anything.$id }, {})).toMatchObject({ valid: false })
})

it("rejects for what is no schema", async () => {
  await expect(createOutputValidator()({ type: "nonsense" }, {})).rejects.toThrow("nonsense")
})
