import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { promisify, stripVTControlCharacters } from "node:util"
import { expect, test } from "vitest"

const templates = fileURLToPath(new URL("../../templates", import.meta.url))
const { NODE_TEST_CONTEXT: _, ...env } = process.env

test.each(["minimal", "tools", "skills"])(
  "the test of the template %s passes and prints no log lines",
  async (name) => {
    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      ["--test", "--test-reporter=spec"],
      {
        cwd: `${templates}/${name}`,
        env,
        timeout: 120_000,
      },
    )
    const lines = stripVTControlCharacters(stdout)
      .split("\n")
      .filter((line) => line !== "")
    expect(lines.filter((line) => !/^[✔ℹ] /.test(line))).toEqual([])
    expect(lines.filter((line) => line.startsWith("✔ ")).length).toBeGreaterThan(0)
    expect(stderr).toBe("")
  },
)
