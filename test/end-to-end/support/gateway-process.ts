import { fileURLToPath } from "node:url"
import type { ScriptedUpstream } from "../../../src/testing/provider/scripted-upstream.ts"
import { type CliProcess, startCli } from "../../cli-process.ts"
import type { OnEnd } from "./on-end.ts"

export interface GatewayOptions {
  /** A file of test/fixtures. Default `agent.ts`. */
  readonly agent?: string
  /** Working directory, which contains the data directory. */
  readonly folder: string
  /** The model provider, which the real SDK of its vendor calls. */
  readonly model?: Pick<ScriptedUpstream, "url">
  readonly env?: Readonly<Record<string, string>>
  /** Default: a port that the system chooses. */
  readonly port?: string
  /** Default: the process is killed at the end of the test. */
  readonly onEnd?: OnEnd
}

export interface GatewayProcess extends CliProcess {
  readonly url: string
}

/** Runs `agent-gateway start` like a user. Resolves once it listens. */
export async function startGateway(options: GatewayOptions): Promise<GatewayProcess> {
  const cli = spawnGateway(options)
  const [, url = ""] = await cli.printed(/^Listening on (http:\S+)\n/m)
  return { ...cli, url }
}

/** Runs the same command for a start that is expected to fail. */
export function spawnGateway(options: GatewayOptions): CliProcess {
  const { agent = "agent.ts", folder, model, env, port = "0", onEnd } = options
  const file = fileURLToPath(new URL(`../../fixtures/${agent}`, import.meta.url))
  return startCli(["start", file, "--port", port], {
    cwd: folder,
    env: {
      ANTHROPIC_AUTH_TOKEN: "",
      ANTHROPIC_API_KEY: model === undefined ? "" : "sk-test-key",
      ANTHROPIC_BASE_URL: model?.url ?? "",
      ...env,
    },
    ...(onEnd === undefined ? {} : { onEnd }),
  })
}

/** Kills the process with SIGKILL, so that none of its code runs after that. */
export async function kill(gateway: CliProcess): Promise<void> {
  gateway.signal("SIGKILL")
  await gateway.exited
}
