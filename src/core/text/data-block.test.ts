import { expect, it } from "vitest"
import { toDataLine, writeDataBlock } from "./data-block.ts"
import { createForgeries } from "./fixtures/forgeries.ts"

it("writes each value as a line of JSON between the lines of its frame", () => {
  const values = [{ text: "a\nb" }, "größe", 7]
  expect(writeDataBlock({ name: "notes", note: "These are notes.", values }).split("\n")).toEqual([
    ...["<notes>", "These are notes.", '{"text":"a\\nb"}', '"größe"', "7", "</notes>"],
  ])
})

it.each(createForgeries("notes"))("keeps the forgery %j within its line, and does not change it", (text) => {
  const line = toDataLine({ [text]: text })
  expect(line).not.toMatch(/[<>\p{Cc}\p{Zl}\p{Zp}]/u)
  expect(JSON.parse(line)).toEqual({ [text]: text })
})
