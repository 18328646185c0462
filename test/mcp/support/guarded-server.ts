import { createHash } from "node:crypto"
import { once } from "node:events"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { text } from "node:stream/consumers"
import { onTestFinished } from "vitest"
import type { JsonObject } from "../../../src/core/json.ts"

export interface GuardedServer {
  readonly url: string
  /** The paths that were asked for, with what was sent along. */
  readonly requests: readonly { readonly path: string; readonly headers: IncomingMessage["headers"] }[]
  /** Refuses the access tokens given out so far. */
  expireTokens(): void
  /** What the token endpoint does with a refresh from now on, before it takes the token. */
  onRefresh: () => Promise<"granted" | "unavailable">
  /** What it says of its authorization server. */
  metadata: (origin: string) => JsonObject
  /** What it says of itself, and in refusals where to read that. */
  resource: (origin: string) => JsonObject
  challenge: (origin: string) => string
  readonly registrations: number
  readonly refreshes: number
  /** A refresh token that was used twice ended all that it gave. */
  readonly revoked: boolean
}

/**
 * An MCP server with one tool, and the authorization server it names, which lets in whoever opens its link. Refresh tokens
 * are good for one use; a second use ends all tokens, as OAuth 2.1 has it.
 */
export async function guardedServer(): Promise<GuardedServer> {
  const requests: { path: string; headers: IncomingMessage["headers"] }[] = []
  const codes = new Map<string, { readonly challenge: string; readonly client: string }>()
  const access = new Set<string>()
  const refresh = new Map<string, { readonly client: string; used: boolean }>()
  let count = 0
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
    requests,
    registrations: 0,
    refreshes: 0,
    revoked: false,
    expireTokens: () => access.clear(),
    onRefresh: async (): Promise<"granted" | "unavailable"> => "granted",
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

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", origin)
    requests.push({ path: url.pathname, headers: request.headers })
    const body = await text(request)
    const send = (status: number, value: unknown) =>
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value))
    const refuse = (error: string) => send(400, { error })
    switch (url.pathname) {
      case "/mcp": {
        if (request.method !== "POST") return void response.writeHead(405).end()
        const bearer = request.headers.authorization?.replace("Bearer ", "") ?? ""
        if (!access.has(bearer)) {
          const challenge = guarded.challenge(origin)
          return void response.writeHead(401, { "www-authenticate": challenge }).end()
        }
        const { id, method } = JSON.parse(body) as { id?: unknown; method: string }
        if (id === undefined) return void response.writeHead(202).end()
        return void send(200, { jsonrpc: "2.0", id, ...answer(method) })
      }
      case "/.well-known/oauth-protected-resource":
        return void send(200, guarded.resource(origin))
      case "/.well-known/oauth-authorization-server":
        return void send(200, guarded.metadata(origin))
      case "/register":
        guarded.registrations += 1
        return void send(201, { ...JSON.parse(body), client_id: `client-${guarded.registrations}` })
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
        if (form.get("grant_type") === "authorization_code") {
          const code = codes.get(form.get("code") ?? "")
          const verifier = createHash("sha256")
            .update(form.get("code_verifier") ?? "")
            .digest("base64url")
          if (code?.challenge !== verifier || code.client !== client) return void refuse("invalid_grant")
          return void send(200, grant(client))
        }
        if ((await guarded.onRefresh()) === "unavailable") return void response.writeHead(503).end()
        guarded.refreshes += 1
        const token = refresh.get(form.get("refresh_token") ?? "")
        if (token === undefined || token.used || token.client !== client) {
          guarded.revoked = true
          access.clear()
          refresh.clear()
          return void refuse("invalid_grant")
        }
        token.used = true
        return void send(200, grant(client))
      }
      default:
        return void response.writeHead(404).end()
    }
  }

  return guarded
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
