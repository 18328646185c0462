import { execFile } from "node:child_process"
import { join } from "node:path"
import { promisify } from "node:util"

const run = promisify(execFile)

/**
 * Creates a virtual environment with the packages of a requirements file. Resolves to the folder of its programs, or
 * to null if the machine has no Python with venv. With CI=true, it rejects instead.
 */
export async function installPythonPackages(
  folder: string,
  requirements: string,
  python = "python3",
): Promise<string | null> {
  const environment = join(folder, "venv")
  try {
    await run(python, ["-m", "venv", environment], { timeout: 120_000 })
  } catch (error) {
    if (process.env.CI === "true") throw error
    return null
  }
  const programs = join(environment, "bin")
  const options = ["--quiet", "--disable-pip-version-check", "--requirement"]
  await run(join(programs, "pip"), ["install", ...options, requirements], { timeout: 240_000 })
  return programs
}
