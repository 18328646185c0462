import { expect, it } from "vitest"
import { countTurns } from "../../core/fixtures/count-turns.ts"
import { pieceCharacters } from "./json-pieces.ts"
import { parseInSlices } from "./parse-in-slices.ts"

const long = 1024 * 1024

it.each<[string, unknown]>([
  ["a small value", { b: 1, a: [true, null, "x"] }],
  ["a long string", "x".repeat(long)],
  ["a string that is all escapes", '\n"\\\u0001'.repeat(long / 4)],
  ["a string of backslashes", "\\".repeat(long)],
  ["a string of quotes after another character", `x${'"'.repeat(long)}`],
  ["a string whose surrogate pairs could be divided", `x${"😀".repeat(long / 2)}`],
  ["a string with surrogates that are alone", "\ud83d".repeat(long)],
  ["many small values", Array.from({ length: 50_000 }, (_, index) => ({ index, of: [{}, [], "],}"] }))],
  ["many members", Object.fromEntries(Array.from({ length: 50_000 }, (_, index) => [`"${index}`, index]))],
  ["a large key", { first: 1, ["k".repeat(long)]: { "": "x".repeat(long) }, last: [] }],
  [
    "large and empty values in each other",
    [{ a: [], b: {}, c: ["x".repeat(long), []] }, {}, "y".repeat(long), 1],
  ],
  ["an array in an array", [["x".repeat(long)], [[["y".repeat(long), 0]]], 5, [["z"]]]],
  ["a string with the length of a piece", ["x".repeat(pieceCharacters - 2), "y".repeat(pieceCharacters - 1)]],
])("gives the value that JSON.parse gives for %s", async (_, value) => {
  for (const space of [0, 1]) {
    const text = JSON.stringify(value, null, space)
    expect(JSON.stringify(await parseInSlices(text)) === JSON.stringify(JSON.parse(text))).toBe(true)
  }
})

it("gives the value that JSON.parse gives for random values", async () => {
  for (let seed = 1; seed <= 60; seed++) {
    const text = JSON.stringify(randomValue(createRandom(seed), 5))
    const parsed = await parseInSlices(text)
    expect(JSON.stringify(parsed) === text, `seed ${seed}`).toBe(true)
  }
})

it("keeps a member named __proto__ and the last of two members with one name", async () => {
  const filler = `"${"x".repeat(long)}"`
  const parsed = await parseInSlices(`{"__proto__":{"a":1},"b":1,"c":${filler},"b":2,"__proto__":${filler}}`)
  expect(Object.getPrototypeOf(parsed)).toBe(Object.prototype)
  expect(Object.keys(parsed as object)).toEqual(["__proto__", "b", "c"])
  expect(parsed).toHaveProperty("b", 2)
})

it("rejects a long text that breaks off or holds something else than JSON", async () => {
  const text = JSON.stringify({ first: ["x".repeat(long), "y".repeat(long)], last: 1 })
  for (const wrong of [
    text.slice(0, -1),
    text.slice(0, long / 2),
    text.replace("x", "\n"),
    text.replace(":1", ":one"),
  ])
    await expect(parseInSlices(wrong)).rejects.toThrow(SyntaxError)
})

it("lets the event loop go on between the slices of a long text", async () => {
  const text = JSON.stringify("x".repeat(4 * long))
  const { turns } = await countTurns(() => parseInSlices(text))
  expect(turns).toBeGreaterThanOrEqual(60)
})

/** A linear congruential generator (Numerical Recipes). */
function createRandom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

const characters = ["x", '"', "\\", "\n", "\u0001", "名", "😀", "{", "]", ","]

function randomValue(random: (below: number) => number, levels: number): unknown {
  const kind = random(levels > 0 ? 7 : 4)
  if (kind === 0) return random(1_000) / 10
  if (kind === 1) return null
  if (kind < 4) {
    const times = [1, 100, pieceCharacters / 2, pieceCharacters * 2][random(4)] ?? 1
    return (characters[random(characters.length)] ?? "").repeat(times)
  }
  const items = Array.from({ length: random(6) }, () => randomValue(random, levels - 1))
  if (kind < 6) return items
  return Object.fromEntries(
    items.map((item, index) => [`${characters[random(characters.length)]}${index}`, item]),
  )
}
