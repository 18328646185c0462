import { execFile } from "node:child_process"
import { copyFile, mkdir } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { onTestFinished } from "vitest"
import * as testing from "../../src/testing/index.ts"
import { folderInsideRepository } from "../documentation/type-check.ts"
import { temporaryFolder } from "../end-to-end/support/temporary-folder.ts"
import { startHarness } from "./suite/harness.mjs"

const run = promisify(execFile)

export const repository = fileURLToPath(new URL("../../", import.meta.url))

const agentFile = `${repository}test/client/fixtures/agent.mjs`

/** The command of an installed gateway, and the file of an agent. */
export interface InstalledGateway {
  readonly program: string
  readonly agent: string
}

/** Installs the files of the package as `npm pack` packs them. Dependencies are those of the repository. */
export async function installPacked(): Promise<InstalledGateway> {
  const folder = await folderInsideRepository()
  const installed = join(folder, "node_modules/ai-agent-gateway")
  await mkdir(installed, { recursive: true })
  const pack = ["pack", "--ignore-scripts", "--json", "--pack-destination", folder]
  const { stdout } = await run("npm", pack, { cwd: repository })
  const [{ filename }] = JSON.parse(stdout) as [{ readonly filename: string }]
  await run("tar", ["-xzf", join(folder, filename), "-C", installed, "--strip-components=1"])
  const agent = join(folder, "agent.mjs")
  await copyFile(agentFile, agent)
  return { program: join(installed, "bin/agent-gateway.js"), agent }
}

/**
 * Starts a gateway that can be killed, behind a network that can be cut, with the built client. Everything ends with
 * the test.
 */
export async function startSuite(
  folders: Readonly<Record<string, string>> = {},
  { program = `${repository}bin/agent-gateway.js`, agent = agentFile }: Partial<InstalledGateway> = {},
): Promise<{ readonly url: string }> {
  const harness = await startHarness({
    node: process.execPath,
    program,
    agent,
    cwd: await temporaryFolder(),
    testing,
    folders: { client: `${repository}dist/client`, suite: `${repository}test/client/suite`, ...folders },
  })
  onTestFinished(() => harness.close())
  return harness
}
