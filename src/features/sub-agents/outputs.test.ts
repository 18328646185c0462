import { mkdtemp, readdir, readFile, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, it } from "vitest"
import { createOutputs } from "./outputs.ts"

const errors: string[] = []
const logger = {
  debug() {},
  info() {},
  warn() {},
  error: (_: object, message: string) => void errors.push(message),
}
const output = { skill: "a/../b", id: "call_1", response: "Found.", at: Date.UTC(2026, 0, 2) }

it("writes a dated file that a repeated call replaces, inside the folder with any name", async () => {
  const folder = join(await mkdtemp(join(tmpdir(), "outputs-")), "new")
  const save = createOutputs(folder, logger)
  await save(output)
  await save({ ...output, response: "Found again." })
  expect(await readdir(folder)).toEqual(["2026-01-02-a____b-call_1.md"])
  expect(await readFile(join(folder, "2026-01-02-a____b-call_1.md"), "utf8")).toBe("Found again.")
})

it("logs a folder that cannot be written", async () => {
  const folder = join(await mkdtemp(join(tmpdir(), "outputs-")), "file")
  await writeFile(folder, "")
  await createOutputs(folder, logger)(output)
  expect(errors).toEqual(["The output of a sub-agent was not saved. The run continues."])
})
