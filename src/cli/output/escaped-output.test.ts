import { expect, test } from "vitest"
import { escapeOutputs } from "./escaped-output.ts"

function outputs(isTTY: boolean) {
  const written: string[] = []
  const output = { isTTY, write: (text: string) => written.push(text) }
  return { written, ...escapeOutputs({ stdout: output, stderr: output }) }
}

test("a terminal never receives a control character", () => {
  const { written, stdout, stderr, answerOutput } = outputs(true)
  for (const output of [stdout, stderr, answerOutput]) output.write("a\u001b[2Kb\n")
  expect(written).toEqual(Array(3).fill("a\\u001b[2Kb\n"))
})

test("a file or a pipe receives the model's text unchanged, and everything else escaped", () => {
  const { written, stdout, answerOutput } = outputs(false)
  answerOutput.write("a\u001b[2Kb\n")
  stdout.write("a\u001b[2Kb\n")
  expect(written).toEqual(["a\u001b[2Kb\n", "a\\u001b[2Kb\n"])
})
