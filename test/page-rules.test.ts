import { expect, it } from "vitest"
import { pageProblems } from "../scripts/page-rules.ts"

const problems = (page: string) => pageProblems("page.md", page)

it.each([
  ["Nobody answers.", "Nobody"],
  ["The model is told so.", "is told"],
  ["The run goes on.", "goes on"],
  ["It begins anew.", "anew"],
  ["Its behaviour differs.", "behaviour"],
])("refuses a word of %j", (line, word) => {
  expect(problems(`# Page\n\n${line}\n`)).toEqual([`page.md:3 has the word "${word}"`])
})

it.each(["- Whether it runs.", "| `a` | Of the session. |", "1. **Those that wait**"])(
  "refuses the opening of %j",
  (line) => {
    expect(problems(`${line}\n`)).toEqual([expect.stringContaining("page.md:1 a text opens with")])
  },
)

it("refuses a row that a blank line separates from its table", () => {
  const table = "| name | value |\n|---|---|\n| a | 1 |\n"
  expect(problems(`# Page\n\n${table}| b | 2 |\n`)).toEqual([])
  expect(problems(`# Page\n\n${table}\n| b | 2 |\n`)).toEqual([
    "page.md:7 is a row of a table that has no header",
  ])
})

it.each([
  "```ts\n// Nobody answers.\n```",
  "The value is `nobody`.",
  "[Recommended](somebody.md) settings of the run.",
  "Of the two, the first one counts.",
  "The test “nobody answers” shows it.",
  "Runs go on the next place.",
])("accepts %j", (page) => {
  expect(problems(`${page}\n`)).toEqual([])
})
