import { fileURLToPath } from "node:url"
import type { ScriptedUpstream } from "../../../src/testing/provider/scripted-upstream.ts"
import { type CliProcess, startCli } from "../../cli-process.ts"
import type { OnEnd } from "./on-end.ts"

export interface GatewayOptions {
  /** A file of test/fixtures. Default `agent.ts`. */
  readonly agent?: string
  /** The working directory, which holds the data directory. */
  readonly folder: string
  /** The model service, behind the real SDK of its vendor. */
  readonly model?: Pick<ScriptedUpstream, "url">
  readonly env?: Readonly<Record<string, string>>
  /** Default: the system chooses. */
  readonly port?: string
  /** Default: killed when the test ends. */
  readonly onEnd?: OnEnd
}

export interface GatewayProcess extends CliProcess {
  readonly url: string
}

/** `agent-gateway start`, as a user runs it; resolves once it listens. */
export async function startGateway(options: GatewayOptions): Promise<GatewayProcess> {
  const cli = spawnGateway(options)
  const [, url = ""] = await cli.printed(/^Listening on (http:\S+)\n/m)
  return { ...cli, url }
}

/** The same for a start that is not expected to come that far. */
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

/** Kills the process: no code of it runs after this. */
export async function kill(gateway: CliProcess): Promise<void> {
  gateway.signal("SIGKILL")
  await gateway.exited
}
