import type { ScriptedUpstream } from "../../../src/testing/provider/scripted-upstream.ts"
import { eventually } from "./eventually.ts"
import { type GatewayProcess, startGateway } from "./gateway-process.ts"
import { startModel } from "./model.ts"
import { type SessionClient, startSession } from "./session-client.ts"
import { temporaryFolder } from "./temporary-folder.ts"

export interface TwoGateways {
  readonly model: ScriptedUpstream
  /** Working directory of both. */
  readonly folder: string
  readonly nodes: readonly [GatewayProcess, GatewayProcess]
  /** A session through the first node. `elsewhere` is the same session through the second node. */
  readonly session: SessionClient
  readonly elsewhere: SessionClient
  /**
   * Resolves to the node that makes the model's first call, and to the other node. Either node may take a run that
   * one of them accepted.
   */
  roles(): Promise<{ readonly owner: GatewayProcess; readonly other: GatewayProcess }>
}

/** Starts two gateways over one store, by default a data directory in their working directory. */
export async function startTwoGateways(
  script: Parameters<typeof startModel>[0],
  env: Readonly<Record<string, string>> = {},
): Promise<TwoGateways> {
  const model = await startModel(script)
  const folder = await temporaryFolder()
  const keys = ["sk-first-node", "sk-second-node"] as const
  const start = (key: string) => startGateway({ folder, model, env: { ...env, ANTHROPIC_API_KEY: key } })
  const nodes = await Promise.all([start(keys[0]), start(keys[1])])
  const session = await startSession(nodes[0].url)
  return {
    model,
    folder,
    nodes,
    session,
    elsewhere: session.at(nodes[1].url),
    async roles() {
      const call = await eventually("the model's first call", () => model.requests[0] ?? null)
      const [first, second] = nodes
      const isFirst = call.headers.authorization === `Bearer ${keys[0]}`
      return isFirst ? { owner: first, other: second } : { owner: second, other: first }
    },
  }
}
