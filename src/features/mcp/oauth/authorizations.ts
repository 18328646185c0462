import type { Logger } from "../../../core/ports/logger.ts"
import type { PendingAuthorization } from "../../../core/ports/plugin.ts"
import type { Secrets } from "../../../core/ports/store/secrets.ts"
import type { Clock } from "../../../core/time/clock.ts"
import type { ServerConfig } from "../config/server-config.ts"
import type { Authorization } from "../server.ts"
import type { Principal } from "../servers.ts"
import { createOAuthClient, type OAuthClient } from "./oauth-client.ts"
import { openStateRecord, type StateRecord } from "./oauth-records.ts"

export interface AuthorizationsOptions {
  readonly configs: readonly ServerConfig[]
  readonly secrets: Secrets
  readonly clock: Clock
  /** Null if no browser can return. The gateway can then only use client credentials. */
  readonly redirectUrl: string | null
  readonly clientName: string
  readonly logger: Logger
}

/** The gateway's authorizations at all servers that use OAuth. */
export interface Authorizations {
  /** Returns the authorization of a server. Null if the server does not use OAuth. */
  authorize(config: ServerConfig, principal: Principal | null): Authorization | null
  /**
   * Finds the link that the query of a browser belongs to, which returns to the redirect URL. Resolves to null if the
   * query belongs to no recent link, or if the authorization was refused. Changes nothing.
   */
  find(callback: URLSearchParams): Promise<PendingAuthorization | null>
  /**
   * Accepts the authorization of this query, and uses up its link. Resolves to the server's name. Resolves to null if
   * the query belongs to no recent link, or if the authorization was refused or cannot be used.
   */
  complete(callback: URLSearchParams): Promise<string | null>
}

export function createAuthorizations(options: AuthorizationsOptions): Authorizations {
  const { configs, secrets, clock, redirectUrl, clientName, logger } = options
  /** Clients of the running servers. */
  const clients = new Map<string, OAuthClient>()
  const toKey = ({ name }: ServerConfig, principal: Principal | null) =>
    JSON.stringify([name, principal?.tenant, principal?.userId])

  function createClient(config: ServerConfig, principal: Principal | null): OAuthClient | null {
    const { transport } = config
    if (transport.type === "stdio") return null
    const { oauth, headers } = transport
    const hasKey = Object.keys(headers).some((header) => header.toLowerCase() === "authorization")
    if (hasKey || (redirectUrl === null && oauth.grant !== "client_credentials")) return null
    return createOAuthClient({ config, transport, principal, secrets, clock, redirectUrl, clientName })
  }

  /** Returns the server of a link. Null if the link has expired, or if the server has another address now. */
  function findServer(state: StateRecord | null): ServerConfig | null {
    if (state === null || clock.now() > state.expiresAt) return null
    const config = configs.find(
      ({ name, transport }) =>
        name === state.server && transport.type !== "stdio" && transport.url.href === state.serverUrl,
    )
    return config ?? null
  }

  async function complete(callback: URLSearchParams): Promise<string | null> {
    const state = await openStateRecord(secrets, readState(callback)).take()
    const config = findServer(state)
    if (state === null || config === null) return null
    const client = clients.get(toKey(config, state.principal)) ?? createClient(config, state.principal)
    if (client === null) return null
    try {
      await client.complete(callback, state)
      return state.server
    } catch (error) {
      logger.warn({ server: state.server, error }, "The gateway could not be authorized at an MCP server.")
      return null
    }
  }

  return {
    authorize(config, principal) {
      const client = createClient(config, principal)
      if (client === null) return null
      const key = toKey(config, principal)
      clients.set(key, client)
      const release = () => {
        // The server may have been started again.
        if (clients.get(key) === client) clients.delete(key)
      }
      return { authorizer: client, url: client.url, granted: client.granted, release }
    },
    async find(callback) {
      if (callback.get("code") === null) return null
      const state = await openStateRecord(secrets, readState(callback)).read()
      if (state === null || findServer(state) === null) return null
      const { server: name, principal } = state
      return { name, principal, complete: async () => (await complete(callback)) !== null }
    },
    complete,
  }
}

function readState(callback: URLSearchParams): string {
  return callback.get("state") ?? ""
}
