import type {
  OAuthDiscoveryState,
  StoredOAuthClientInformation,
  StoredOAuthTokens,
} from "@modelcontextprotocol/client"
import type { Secrets } from "../../../core/ports/store/secrets.ts"
import type { ServerConfig } from "../config/server-config.ts"
import type { Principal } from "../servers.ts"

/** The gateway's registrations at the authorization servers of one MCP server, by issuer. */
export type ClientRecord = Readonly<Record<string, StoredOAuthClientInformation>>

/** The grant of one principal. */
export interface GrantRecord {
  readonly tokens?: StoredOAuthTokens
  /** Milliseconds since the Unix epoch. Null if the server did not report it. */
  readonly expiresAt?: number | null
  /** Links that any node created. Expired ones are dropped. */
  readonly links?: readonly { readonly state: string; readonly expiresAt: number }[]
  /** The process that renews the tokens now. Others wait, because a refresh token may be valid for only one use. */
  readonly renewal?: { readonly id: string; readonly until: number }
}

/**
 * The owner of a returning browser, and the data of its link. Links are independent of each other, and each stays
 * valid.
 */
export interface StateRecord {
  readonly server: string
  /** Address of the server when the link was made. A server with this name at another address is another server. */
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
   * Changes the value in one step, even if other processes change it at the same time. Resolves to the new value.
   * `change` may be called again. If it returns the same value, nothing is written.
   */
  update(change: (value: Value | null) => Value | null): Promise<Value | null>
  /** Removes the value and resolves to it. Of several callers at the same time, in any process, one receives it. */
  take(): Promise<Value | null>
  remove(): Promise<void>
}

/**
 * Returns the record of the client. A server at another address counts as another server, because it must not receive
 * the tokens of the first one.
 */
export function openClientRecord(secrets: Secrets, config: ServerConfig): StoredRecord<ClientRecord> {
  return record(secrets, `client:${formatIdentity(config)}`)
}

export function openGrantRecord(
  secrets: Secrets,
  config: ServerConfig,
  principal: Principal | null,
): StoredRecord<GrantRecord> {
  const owner = principal === null ? "shared" : JSON.stringify([principal.tenant, principal.userId])
  return record(secrets, `grant:${formatIdentity(config)}:${owner}`)
}

export function openStateRecord(secrets: Secrets, state: string): StoredRecord<StateRecord> {
  return record(secrets, `state:${state}`)
}

function formatIdentity({ name, transport }: ServerConfig): string {
  return JSON.stringify([name, transport.type === "stdio" ? "" : transport.url.href])
}

/** The text in place of a value that a caller is about to remove. It is read as no value. */
const taken = "null"

function record<Value>(secrets: Secrets, name: string): StoredRecord<Value> {
  // Only the code below writes this value.
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
    async take() {
      for (;;) {
        const text = await secrets.get(name)
        const value = parse(text)
        if (value === null) return null
        if (!(await secrets.replace(name, text, taken))) continue
        await secrets.remove(name)
        return value
      }
    },
    remove: () => secrets.remove(name),
  }
}
