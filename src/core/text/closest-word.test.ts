import { expect, test } from "vitest"
import { findClosestWord } from "./closest-word.ts"

const commands = ["dev", "start", "run", "doctor"]

test.each([
  ["dve", "dev"],
  ["strat", "start"],
  ["doctr", "doctor"],
  ["rn", "run"],
  ["serve", null],
  ["", null],
  ["constructor", null],
])("suggests for %s: %s", (word, meant) => {
  expect(findClosestWord(word, commands)).toBe(meant)
})
