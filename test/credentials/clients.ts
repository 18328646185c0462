import { onTestFinished } from "vitest"
import type { StoreOpener, WholeStore } from "../../src/core/ports/store/store.ts"
import { type AgentOptions, createAgent } from "../../src/gateway/create-agent.ts"
import type { Gateway } from "../../src/gateway/gateway.ts"
import { postgresStore } from "../../src/gateway/service/open-store.ts"
import { scriptedProvider } from "../../src/testing/provider/scripted-provider.ts"

export const quiet = { debug() {}, info() {}, warn() {}, error() {} }
export const apiKey = "a key of the application"
export const secret = "s".repeat(32)
export const origin = "http://gateway.test"

export interface Sent {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

export interface Answer {
  readonly status: number
  readonly code: string | null
  readonly body: Readonly<Record<string, unknown>>
}

/** Functions that create gateways, which are closed after the test. */
export interface Openers {
  openGateway(options?: AgentOptions): Gateway
  /** Users sign in with the cookie `user=NAME`. */
  openCookieGateway(options?: AgentOptions): Gateway
}

export const { openGateway, openCookieGateway } = createOpeners(openNode)

/** Lets two nodes serve each gateway that names no store, over a Postgres database of its own. */
export function createTwoNodeOpeners(createDatabase: () => Promise<string>): Openers {
  return createOpeners((options) => {
    if (options.store !== undefined) return openNode(options)
    const url = createDatabase()
    const store: StoreOpener<WholeStore> = { open: async (parts) => postgresStore(await url).open(parts) }
    const nodes = [openNode({ ...options, store }), openNode({ ...options, store })] as const
    let requests = 0
    // Every request reaches the other node than the one before it.
    return { ...nodes[0], fetch: (...request) => nodes[requests++ % 2 === 0 ? 0 : 1].fetch(...request) }
  })
}

function createOpeners(open: (options: AgentOptions) => Gateway): Openers {
  return {
    openGateway: (options = {}) => open(options),
    openCookieGateway: (options = {}) =>
      open({
        validApiKeys: undefined as never,
        authenticate: async ({ headers }) => {
          const userId = /user=(\w+)/.exec(headers.get("cookie") ?? "")?.[1]
          return userId === undefined ? null : { userId }
        },
        ...options,
      }),
  }
}

function openNode(options: AgentOptions): Gateway {
  const gateway = createAgent("You answer.", {
    ...{ store: "memory", logger: quiet, validApiKeys: [apiKey], rateLimits: false },
    provider: scriptedProvider(() => [{ type: "text", text: "Hello." }]),
    ...options,
  })
  onTestFinished(() => gateway.close({ graceMs: 0 }))
  return gateway
}

/** Sends a request to a mounted gateway, and reads its problem or its body. */
export async function send(gateway: Gateway, path: string, request: Sent = {}): Promise<Answer> {
  const response = await sendRaw(gateway, path, request)
  const text = await response.text()
  const isJson = response.headers.get("content-type")?.includes("json") === true
  const body = (isJson ? JSON.parse(text) : {}) as Record<string, unknown>
  return { status: response.status, code: typeof body.code === "string" ? body.code : null, body }
}

export function sendRaw(
  gateway: Gateway,
  path: string,
  { method = "GET", headers = {}, body }: Sent = {},
): Promise<Response> {
  const type: Record<string, string> = body === undefined ? {} : { "content-type": "application/json" }
  const content = body === undefined ? {} : { body: JSON.stringify(body) }
  const init = { method, headers: { ...type, ...headers }, ...content }
  return Promise.resolve(gateway.fetch(new Request(`${origin}/api${path}`, init)))
}

export function post(gateway: Gateway, path: string, request: Sent = {}): Promise<Answer> {
  return send(gateway, path, { method: "POST", ...request })
}

export function bearer(credential: unknown): { readonly authorization: string } {
  return { authorization: `Bearer ${credential}` }
}

/** Resolves to the body of `/chat/init` for a user of the API key. */
export async function init(
  gateway: Gateway,
  userId: string,
  more: object = {},
): Promise<Readonly<Record<string, unknown>>> {
  const { body } = await post(gateway, "/chat/init", { body: { api_key: apiKey, user_id: userId, ...more } })
  return body
}

/** Resolves to the tokens of a user. */
export async function issueTokens(gateway: Gateway, userId: string) {
  const { session_token: sessionToken, session_id: sessionId } = await init(gateway, userId)
  const { user_token: userToken } = await init(gateway, userId, { scope: "user" })
  return { sessionToken: String(sessionToken), sessionId: String(sessionId), userToken: String(userToken) }
}

/** A message for `POST /ai-sdk/chat`, in the conversation with this id. */
export function sayTo(id: string) {
  const message = { id: `message ${id}`, role: "user", parts: [{ type: "text", text: "Hi." }] }
  return { id, messages: [message], trigger: "submit-message" }
}
