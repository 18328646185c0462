import { fileURLToPath } from "node:url"
import { onTestFinished } from "vitest"
import * as testing from "../../src/testing/index.ts"
import { temporaryFolder } from "../end-to-end/support/temporary-folder.ts"
import { startHarness } from "./suite/harness.mjs"

export const repository = fileURLToPath(new URL("../../", import.meta.url))

/**
 * Starts a gateway that can be killed, behind a network that can be cut, with the built client. Everything ends with
 * the test.
 */
export async function startSuite(
  folders: Readonly<Record<string, string>> = {},
): Promise<{ readonly url: string }> {
  const harness = await startHarness({
    node: process.execPath,
    program: `${repository}bin/agent-gateway.js`,
    agent: `${repository}test/client/fixtures/agent.mjs`,
    cwd: await temporaryFolder(),
    testing,
    folders: { client: `${repository}dist/client`, suite: `${repository}test/client/suite`, ...folders },
  })
  onTestFinished(() => harness.close())
  return harness
}
