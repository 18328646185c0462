import { onTestFinished } from "vitest"
import {
  type AgentOptions,
  createGateway,
  type GatewayOptions,
  type Provider,
} from "../../../../src/index.ts"

const silent = { debug() {}, info() {}, warn() {}, error() {} }

/** The key that a page of the tests uses. */
export const key = "key-of-the-application"

/** Starts a gateway of one agent in this process. */
export async function startGateway(
  agent: Partial<AgentOptions> & { readonly provider: Provider },
  options: Partial<GatewayOptions> = {},
) {
  const gateway = createGateway({
    store: "memory",
    logger: silent,
    agents: { helper: { systemPrompt: "You help.", ...agent } },
    ...options,
  })
  onTestFinished(() => gateway.close({ graceMs: 0 }))
  const { url } = await gateway.listen({ port: 0 })
  return { gateway, url: `${url}/api` }
}
