import { expect, onTestFinished } from "vitest"
import { type AgentOptions, createGateway, type GatewayOptions } from "../../../../src/index.ts"
import { scriptedProvider } from "../../../../src/testing/index.ts"
import { parseStream, type ReadEvent } from "../../../../src/wires/ag-ui/fixtures/judge.ts"

const apiKey = "a-key-of-the-application"
export const authorization = { authorization: `Bearer ${apiKey}` }
const logger = { debug() {}, info() {}, warn() {}, error() {} }

type Script = Parameters<typeof scriptedProvider>[0]

/** Starts a gateway of one agent in this process. */
export async function serve(
  script: Script,
  agent: Partial<AgentOptions> = {},
  options: Partial<GatewayOptions> = {},
) {
  const provider = scriptedProvider(script)
  const gateway = createGateway({
    ...{ logger, store: "memory", validApiKeys: [apiKey] },
    ...options,
    agents: { helper: { systemPrompt: "You help.", provider, ...agent } },
  })
  onTestFinished(() => gateway.close({ graceMs: 0 }))
  const { url } = await gateway.listen({ port: 0 })
  const address = `${url}/api/ag-ui`
  const post = (body: object, headers: Record<string, string> = {}) =>
    fetch(address, {
      method: "POST",
      headers: { "content-type": "application/json", ...authorization, ...headers },
      body: JSON.stringify(body),
    })
  const get = (query: string, headers: Record<string, string> = {}) =>
    fetch(`${address}?${query}`, { headers: { ...authorization, ...headers } })
  return { gateway, provider, address, url, post, get }
}

/** A request with a message of the user. */
export const input = (runId: string, text: string, more: object = {}) => ({
  ...{ threadId: "thread-1", runId, protocolVersion: "1.0", tools: [], context: [], state: {} },
  messages: [{ id: `user-${runId}`, role: "user", content: text }],
  ...more,
})

/** Resolves to the events of a whole stream. */
export async function read(response: Response): Promise<readonly ReadEvent[]> {
  expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/event-stream"])
  return parseStream(await response.text())
}

/** Returns the texts of a stream, joined. */
export const textOf = (events: readonly ReadEvent[]) =>
  events.flatMap(({ event }) => (event.type === "TEXT_MESSAGE_CONTENT" ? [event.delta] : [])).join("")
