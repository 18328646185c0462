import { createHash } from "node:crypto"
import { once } from "node:events"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { text } from "node:stream/consumers"
import { onTestFinished } from "vitest"
import type { Json, JsonObject } from "../../../src/core/json/json.ts"

type RefreshAnswer = "granted" | "refused" | "unavailable"

export interface GuardedServer {
  readonly url: string
  /** URL of the same server over the older transport. */
  readonly sseUrl: string
  /** All requests: their paths and headers. */
  readonly requests: readonly { readonly path: string; readonly headers: IncomingMessage["headers"] }[]
  /** Secrets that clients without a person have sent. */
  readonly secrets: readonly string[]
  /** Invalidates all access tokens so far. */
  expireTokens(): void
  /** Decides about each refresh, before the token endpoint uses the token. */
  onRefresh: () => Promise<RefreshAnswer>
  /** Returns the metadata of the authorization server. */
  metadata: (origin: string) => JsonObject
  /**
   * Returns the metadata of the MCP server. `challenge` returns the address of the metadata for responses that refuse
   * a request.
   */
  resource: (origin: string) => JsonObject
  challenge: (origin: string) => string
  readonly registrations: number
  readonly refreshes: number
  /** If true, a refresh token was used twice, which has ended all of its tokens. */
  readonly revoked: boolean
}

/** Secret of clients without a person. */
export const clientSecret = "known to both"

/**
 * Starts an MCP server with one tool, and its authorization server, which authorizes any client that opens its link.
 * A refresh token is valid for one use. A second use ends all of its tokens, as OAuth 2.1 requires.
 */
export async function guardedServer(): Promise<GuardedServer> {
  const requests: { path: string; headers: IncomingMessage["headers"] }[] = []
  const secrets: string[] = []
  const codes = new Map<string, { readonly challenge: string; readonly client: string }>()
  const access = new Set<string>()
  const refresh = new Map<string, { readonly client: string; used: boolean }>()
  let count = 0
  let events: ServerResponse | null = null
  const server = createServer((request, response) => {
    respond(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)))
  }).listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  if (typeof address !== "object" || address === null) throw new Error("A listening server has a port.")
  const origin = `http://127.0.0.1:${address.port}`
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })

  const guarded = {
    url: `${origin}/mcp`,
    sseUrl: `${origin}/sse`,
    requests,
    secrets,
    registrations: 0,
    refreshes: 0,
    revoked: false,
    expireTokens: () => access.clear(),
    onRefresh: async (): Promise<RefreshAnswer> => "granted",
    resource: (self: string): JsonObject => ({ resource: `${self}/mcp`, authorization_servers: [self] }),
    challenge: (self: string) => `Bearer resource_metadata="${self}/.well-known/oauth-protected-resource"`,
    metadata: (self: string): JsonObject => ({
      issuer: self,
      authorization_endpoint: `${self}/authorize`,
      token_endpoint: `${self}/token`,
      registration_endpoint: `${self}/register`,
      response_types_supported: ["code"],
      code_challenge_methods_supported: ["S256"],
      token_endpoint_auth_methods_supported: ["none"],
    }),
  }

  function grant(client: string): JsonObject {
    count += 1
    access.add(`access-${count}`)
    refresh.set(`refresh-${count}`, { client, used: false })
    const tokens = { access_token: `access-${count}`, refresh_token: `refresh-${count}` }
    return { ...tokens, token_type: "Bearer" }
  }

  function isLetIn(request: IncomingMessage, response: ServerResponse): boolean {
    const isKnown = access.has(request.headers.authorization?.replace("Bearer ", "") ?? "")
    if (!isKnown) response.writeHead(401, { "www-authenticate": guarded.challenge(origin) }).end()
    return isKnown
  }

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", origin)
    requests.push({ path: url.pathname, headers: request.headers })
    const body = await text(request)
    const send = (status: number, value: unknown) =>
      void response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value))
    const refuse = (error: string) => send(400, { error })
    switch (url.pathname) {
      case "/mcp": {
        if (request.method !== "POST") return void response.writeHead(405).end()
        if (!isLetIn(request, response)) return
        const reply = replyTo(body)
        return reply === null ? void response.writeHead(202).end() : send(200, reply)
      }
      case "/sse":
        if (!isLetIn(request, response)) return
        events = response.writeHead(200, { "content-type": "text/event-stream" })
        return void events.write("event: endpoint\ndata: /messages\n\n")
      case "/messages": {
        if (!isLetIn(request, response)) return
        const reply = replyTo(body)
        if (reply !== null) events?.write(`data: ${JSON.stringify(reply)}\n\n`)
        return void response.writeHead(202).end()
      }
      case "/.well-known/oauth-protected-resource":
        return send(200, guarded.resource(origin))
      case "/.well-known/oauth-authorization-server":
        return send(200, guarded.metadata(origin))
      case "/register":
        guarded.registrations += 1
        return send(201, { ...JSON.parse(body), client_id: `client-${guarded.registrations}` })
      case "/authorize": {
        const query = url.searchParams
        const code = `code-${codes.size}`
        const client = query.get("client_id") ?? ""
        codes.set(code, { challenge: query.get("code_challenge") ?? "", client })
        const back = new URL(query.get("redirect_uri") ?? "")
        back.searchParams.set("code", code)
        back.searchParams.set("state", query.get("state") ?? "")
        return void response.writeHead(302, { location: back.href }).end()
      }
      case "/token": {
        const form = new URLSearchParams(body)
        const client = form.get("client_id") ?? ""
        if (form.get("grant_type") === "client_credentials") {
          secrets.push(form.get("client_secret") ?? "")
          return form.get("client_secret") === clientSecret
            ? send(200, grant(client))
            : refuse("invalid_client")
        }
        if (form.get("grant_type") === "authorization_code") {
          const code = codes.get(form.get("code") ?? "")
          const verifier = createHash("sha256")
            .update(form.get("code_verifier") ?? "")
            .digest("base64url")
          if (code?.challenge !== verifier || code.client !== client) return refuse("invalid_grant")
          return send(200, grant(client))
        }
        const planned = await guarded.onRefresh()
        if (planned === "unavailable") return void response.writeHead(503).end()
        if (planned === "refused") return refuse("invalid_grant")
        guarded.refreshes += 1
        const token = refresh.get(form.get("refresh_token") ?? "")
        if (token === undefined || token.used || token.client !== client) {
          guarded.revoked = true
          access.clear()
          refresh.clear()
          return refuse("invalid_grant")
        }
        token.used = true
        return send(200, grant(client))
      }
      default:
        return void response.writeHead(404).end()
    }
  }

  return guarded
}

function replyTo(body: string): JsonObject | null {
  const { id, method } = JSON.parse(body) as { id?: Json; method: string }
  return id === undefined ? null : { jsonrpc: "2.0", id, ...answer(method) }
}

function answer(method: string): JsonObject {
  switch (method) {
    case "initialize": {
      const serverInfo = { name: "guarded", version: "1" }
      return { result: { protocolVersion: "2025-06-18", capabilities: { tools: {} }, serverInfo } }
    }
    case "tools/list":
      return { result: { tools: [{ name: "greet", inputSchema: { type: "object" } }] } }
    case "tools/call":
      return { result: { content: [{ type: "text", text: "hello" }] } }
    default:
      return { error: { code: -32_601, message: "no such method" } }
  }
}
