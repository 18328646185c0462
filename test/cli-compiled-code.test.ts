import { execFile } from "node:child_process"
import { readdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { promisify } from "node:util"
import { expect, it } from "vitest"
import { cliProgram } from "./cli-process.ts"
import { temporaryFolder } from "./end-to-end/support/temporary-folder.ts"

/** Runs `agent-gateway --version` with this home, without the folder that the other tests share. */
async function runAtHome(home: string): Promise<string> {
  const env = { PATH: process.env.PATH, HOME: home }
  return (await promisify(execFile)(process.execPath, [cliProgram, "--version"], { env })).stdout
}

it("keeps compiled code in the home of the user for the next start", async () => {
  const home = await temporaryFolder()
  const version = await runAtHome(home)
  expect(await readdir(join(home, ".cache", "ai-agent-gateway"))).toHaveLength(1)
  expect(await runAtHome(home)).toBe(version)
})

it("starts without a home that it can write to", async () => {
  const file = join(await temporaryFolder(), "home")
  await writeFile(file, "")
  expect(await runAtHome(file)).toMatch(/^\d+\.\d+\.\d+/)
})
