import OpenAI from "openai"
import { onTestFinished } from "vitest"
import { type AgentOptions, createAgent } from "../../../../src/index.ts"

const logger = { debug() {}, info() {}, warn() {}, error: () => {} }
export const key = "a-key-of-the-application"

/** Starts a gateway on a port of its own. It closes at the end of the test. */
export async function startGateway(options: Partial<AgentOptions> = {}) {
  const gateway = createAgent("Help.", { store: "memory", logger, validApiKeys: [key], ...options })
  onTestFinished(() => gateway.close({ graceMs: 0 }))
  const server = await gateway.listen({ port: 0, host: "127.0.0.1" })
  return { gateway, url: server.url, client: createClient(server.url) }
}

/** Returns a client of OpenAI's own library, configured by its address and its key only. */
export function createClient(url: string, options: ConstructorParameters<typeof OpenAI>[0] = {}): OpenAI {
  return new OpenAI({ baseURL: `${url}/v1`, apiKey: key, ...options })
}

/** A function of the client, in the form of the Responses API. */
export const locate = {
  type: "function",
  name: "locate",
  description: "Finds the user's place.",
  parameters: { type: "object", properties: { exact: { type: "boolean" } } },
  strict: false,
} as const
