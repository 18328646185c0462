import { expect, test } from "vitest"
import { extractStateUpdate } from "./state-update.ts"

const fenced = (json: string, heading = "## STATE_UPDATE_JSON") =>
  `${heading}\n\n\`\`\`json\n${json}\n\`\`\`\n`

test("a fenced JSON object under the heading is the update", () => {
  expect(extractStateUpdate(`All is well.\n\n${fenced('{"runs": 3}')}`)).toEqual({
    type: "update",
    update: { runs: 3 },
  })
})

test.each([
  ["Windows line ends", fenced('{"a": 1}').replaceAll("\n", "\r\n")],
  ["a fence without a language", fenced('{"a": 1}').replace("json", "")],
  ["a fence of tildes", fenced('{"a": 1}').replaceAll("```", "~~~")],
  ["a longer fence", fenced('{"a": 1}').replaceAll("```", "`````")],
  ["a heading of another level", fenced('{"a": 1}', "### STATE_UPDATE_JSON ###")],
  ["text between the heading and the fence", fenced('{"a": 1}').replace("\n\n", "\nThe new state:\n")],
  ["text after the fence", `${fenced('{"a": 1}')}\nDone.`],
  ["another section after it", `${fenced('{"a": 1}')}\n## Sources\n${fenced('{"b": 2}', "")}`],
  ["two updates, of which the last counts", `${fenced('{"a": 0}')}\n${fenced('{"a": 1}')}`],
  ["two blocks in the section, of which the last counts", `${fenced('{"a": 0}')}${fenced('{"a": 1}', "")}`],
])("an update is found with %s", (_name, response) => {
  expect(extractStateUpdate(response)).toEqual({ type: "update", update: { a: 1 } })
})

test.each([
  ["no heading and no language", fenced('{"a": 1}', "## Result").replace("json", "")],
  ["no heading and a block that is not an object", fenced("[1]", "## Result")],
  ["no heading and a block that was cut off", '```json\n{"a": 1}'],
  ["a heading in running text", "Write ## STATE_UPDATE_JSON and a block."],
  ["a heading that is quoted in a fence", `\`\`\`\`md\n${fenced('{"a": 1}')}\`\`\`\``],
  ["an empty response", ""],
])("there is no update with %s", (_name, response) => {
  expect(extractStateUpdate(response)).toEqual({ type: "none" })
})

test.each([
  ["one block of JSON", fenced('{"a": 1}', "## Result")],
  ["two blocks of JSON, of which the last counts", fenced('{"a": 0}', "") + fenced('{"a": 1}', "")],
  ["a last block that is no object", fenced('{"a": 1}', "") + fenced("{broken", "")],
])("an update is found without the heading in %s, unless the heading is required", (_name, response) => {
  expect(extractStateUpdate(response)).toEqual({ type: "update", update: { a: 1 } })
  expect(extractStateUpdate(response, { requiresHeading: true })).toEqual({ type: "none" })
})

test.each([
  ["no block", "## STATE_UPDATE_JSON\nNothing changed.", "no fenced block"],
  ["a block that was cut off", '## STATE_UPDATE_JSON\n```json\n{"a": 1}', "has no end"],
  ["text that is not JSON", fenced("{a: 1}"), "is not JSON"],
  ["an array", fenced("[1]"), "not a JSON object"],
  [
    "deep nesting",
    fenced(`${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}`),
    /nested too deeply|is not JSON/,
  ],
])("a problem is reported for %s", (_name, response, problem) => {
  const found = extractStateUpdate(response)
  expect(found).toMatchObject({ type: "invalid", problem: expect.stringMatching(problem) })
})

test("a heading with a very long line is read at once", () => {
  const response = fenced('{"a": 1}', `## STATE_UPDATE_JSON${" ".repeat(200_000)}x`)
  expect(extractStateUpdate(response, { requiresHeading: true })).toEqual({ type: "none" })
})

test("names of built-in object members are plain keys", () => {
  const found = extractStateUpdate(fenced('{"__proto__": {"a": 1}}'))
  expect(found.type === "update" && Object.keys(found.update)).toEqual(["__proto__"])
})
