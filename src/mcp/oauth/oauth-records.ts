import type {
  OAuthDiscoveryState,
  StoredOAuthClientInformation,
  StoredOAuthTokens,
} from "@modelcontextprotocol/client"
import type { Secrets } from "../../core/ports/secrets.ts"
import type { ServerConfig } from "../config/server-config.ts"
import type { Principal } from "../servers.ts"

/** The gateway's registrations at the servers that grant tokens for one MCP server: by issuer. */
export type ClientRecord = Readonly<Record<string, StoredOAuthClientInformation>>

/** The grant of one principal. */
export interface GrantRecord {
  readonly tokens?: StoredOAuthTokens
  /** Milliseconds since the Unix epoch; null when the server did not say. */
  readonly expiresAt?: number | null
  /** Links that were given out, on any node, to be dropped once they are over. */
  readonly links?: readonly { readonly state: string; readonly expiresAt: number }[]
  /** The process that renews the tokens now: others wait, because a refresh token may be good for one use. */
  readonly renewal?: { readonly id: string; readonly until: number }
}

/**
 * The owner of a returning browser, and the data that its link was made with. Links do not know of each other: each
 * stays good.
 */
export interface StateRecord {
  readonly server: string
  /** Address of the server when the link was made. A server of that name elsewhere is another one. */
  readonly serverUrl: string
  readonly principal: Principal | null
  readonly expiresAt: number
  readonly codeVerifier: string
  readonly discovery: OAuthDiscoveryState | null
}

export interface StoredRecord<Value> {
  read(): Promise<Value | null>
  write(value: Value): Promise<void>
  /**
   * Changes what is there in one step, whatever other processes do meanwhile, and resolves to what is there then.
   * `change` may be called again; what it gives back unchanged is not written.
   */
  update(change: (value: Value | null) => Value | null): Promise<Value | null>
  remove(): Promise<void>
}

/** The same server at another address is another server: it must not be sent the tokens of the first. */
export function clientRecord(secrets: Secrets, config: ServerConfig): StoredRecord<ClientRecord> {
  return record(secrets, `client:${identity(config)}`)
}

export function grantRecord(
  secrets: Secrets,
  config: ServerConfig,
  principal: Principal | null,
): StoredRecord<GrantRecord> {
  const owner = principal === null ? "shared" : JSON.stringify([principal.tenant, principal.userId])
  return record(secrets, `grant:${identity(config)}:${owner}`)
}

export function stateRecord(secrets: Secrets, state: string): StoredRecord<StateRecord> {
  return record(secrets, `state:${state}`)
}

function identity({ name, transport }: ServerConfig): string {
  return JSON.stringify([name, transport.type === "stdio" ? "" : transport.url.href])
}

function record<Value>(secrets: Secrets, name: string): StoredRecord<Value> {
  // Written below, and nowhere else.
  const parse = (text: string | null) => (text === null ? null : (JSON.parse(text) as Value))
  return {
    read: async () => parse(await secrets.get(name)),
    write: (value) => secrets.put(name, JSON.stringify(value)),
    async update(change) {
      for (;;) {
        const text = await secrets.get(name)
        const former = parse(text)
        const value = change(former)
        if (value === former || value === null) return former
        if (await secrets.replace(name, text, JSON.stringify(value))) return value
      }
    },
    remove: () => secrets.remove(name),
  }
}
