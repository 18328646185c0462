import { runCliProcess } from "../cli-process.ts"
import { temporaryFolder } from "../end-to-end/support/temporary-folder.ts"

/** Starts a gateway whose console fails to start. */
export async function spawnConsoleFailure(agent: string, env: Readonly<Record<string, string>>) {
  return runCliProcess(["start", agent, "--port", "0", "--console"], {
    cwd: await temporaryFolder(),
    env: { ANTHROPIC_API_KEY: "sk-test-key", AGENT_GATEWAY_OPERATOR_KEY: "", ...env },
  })
}
