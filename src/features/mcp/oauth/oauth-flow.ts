import { randomBytes } from "node:crypto"
import {
  auth,
  type OAuthClientMetadata,
  type OAuthClientProvider,
  type OAuthDiscoveryState,
  type StoredOAuthClientInformation,
  type StoredOAuthTokens,
  UnauthorizedError,
} from "@modelcontextprotocol/client"
import { GatewayError, toError } from "../../../core/errors.ts"
import type { Secrets } from "../../../core/ports/store/secrets.ts"
import type { Clock } from "../../../core/time/clock.ts"
import type { HttpConfig, ServerConfig } from "../config/server-config.ts"
import type { Challenge } from "../http/authorizer.ts"
import type { Principal } from "../servers.ts"
import { createOAuthFetch, requireSafe } from "./oauth-fetch.ts"
import {
  type GrantRecord,
  openClientRecord,
  openGrantRecord,
  openStateRecord,
  type StateRecord,
} from "./oauth-records.ts"

export interface FlowParts {
  readonly config: ServerConfig
  readonly transport: HttpConfig
  readonly principal: Principal | null
  readonly secrets: Secrets
  readonly clock: Clock
  /** Address to which a person's browser returns. Null if there is no person to ask. */
  readonly redirectUrl: string | null
  readonly clientName: string
}

/** The start of a flow. */
export type FlowStart =
  /** Starts with the current tokens. They are refreshed if possible, unless a person must be asked in any case. */
  | { readonly tokens: StoredOAuthTokens | undefined; readonly challenge: Challenge; readonly anew: boolean }
  /** Starts with the query of a browser that returned. */
  | { readonly asked: StateRecord; readonly code: string; readonly iss: string | null }

/** The gateway has other tokens, or a person must open a link. */
export type FlowEnd = { readonly type: "granted" } | { readonly type: "link"; readonly url: string }

/** Milliseconds that a link is valid. */
export const linkLifeMs = 3_600_000
/** Maximum milliseconds of a flow, which sends requests to several servers. */
export const flowMs = 20_000

/**
 * Runs OAuth 2.1 once for one MCP server and one principal, with the SDK's flow: discovery, registration, PKCE,
 * refresh. Rejects if it is unknown whether a person must be asked, such as while an authorization server does not
 * respond. https://modelcontextprotocol.io/specification/2025-11-25/basic/authorization
 */
export async function runFlow(flow: FlowParts, start: FlowStart): Promise<FlowEnd> {
  try {
    return await runOnce(flow, start)
  } catch (thrown) {
    if (!(thrown instanceof RegisteredMeanwhile)) throw toFailure(flow.config.name, thrown)
  }
  try {
    return await runOnce(flow, start)
  } catch (thrown) {
    throw toFailure(flow.config.name, thrown)
  }
}

/** Another process has registered the gateway in the meantime. Its registration must be used. */
class RegisteredMeanwhile extends Error {}

async function runOnce(flow: FlowParts, start: FlowStart): Promise<FlowEnd> {
  const { provider, link } = createProvider(flow, start)
  const serverUrl = flow.transport.url
  const fetchFn = createOAuthFetch(flow.transport, AbortSignal.timeout(flowMs))
  if ("asked" in start) {
    const { code: authorizationCode, iss } = start
    await auth(provider, { serverUrl, fetchFn, authorizationCode, ...(iss !== null && { iss }) })
    return { type: "granted" }
  }
  const { scope, resourceMetadataUrl } = start.challenge
  await auth(provider, {
    serverUrl,
    fetchFn,
    forceReauthorization: start.anew,
    ...(scope !== undefined && { scope }),
    ...(resourceMetadataUrl !== undefined && { resourceMetadataUrl }),
  })
  const url = link()
  return url === null ? { type: "granted" } : { type: "link", url }
}

/**
 * Provides the data that the SDK's flow stores and requests. It is made for one flow. Concurrent flows do not share
 * data.
 */
function createProvider(flow: FlowParts, start: FlowStart) {
  const { config, transport, principal, secrets, clock, redirectUrl, clientName } = flow
  const { oauth, url: serverUrl } = transport
  const isHeadless = oauth.grant === "client_credentials"
  const clients = openClientRecord(secrets, config)
  const grants = openGrantRecord(secrets, config, principal)
  const asked = "asked" in start ? start.asked : null
  let tokens = "asked" in start ? undefined : start.tokens
  let client: StoredOAuthClientInformation | undefined
  let discovery: OAuthDiscoveryState | null = asked?.discovery ?? null
  let isRefreshing = false
  let state = ""
  let link: string | null = null
  /** Returns true if the tokens have not changed since the start of the flow. */
  const isCurrent = (grant: GrantRecord | null) => grant?.tokens?.access_token === tokens?.access_token

  const clientMetadata: OAuthClientMetadata = {
    client_name: clientName,
    redirect_uris: redirectUrl === null || isHeadless ? [] : [redirectUrl],
    grant_types: isHeadless ? ["client_credentials"] : ["authorization_code", "refresh_token"],
    response_types: isHeadless ? [] : ["code"],
    ...(oauth.scope !== undefined && { scope: oauth.scope }),
  }

  const provider: OAuthClientProvider = {
    redirectUrl: isHeadless ? undefined : (redirectUrl ?? undefined),
    clientMetadata,
    ...(oauth.clientMetadataUrl !== undefined && { clientMetadataUrl: oauth.clientMetadataUrl }),
    async clientInformation({ issuer } = { issuer: "" }) {
      const secret = oauth.clientSecret === undefined ? {} : { client_secret: oauth.clientSecret }
      client =
        oauth.clientId === undefined
          ? (await clients.read())?.[issuer]
          : { client_id: oauth.clientId, ...secret, issuer: oauth.issuer ?? issuer }
      return client
    },
    async saveClientInformation(made: StoredOAuthClientInformation, { issuer } = { issuer: "" }) {
      const all = await clients.update((known) =>
        known !== null && Object.hasOwn(known, issuer) ? known : { ...known, [issuer]: made },
      )
      if (all?.[issuer]?.client_id !== made.client_id) throw new RegisteredMeanwhile()
    },
    tokens: () => tokens,
    // The SDK calls this just before a refresh.
    scopeForRefresh() {
      isRefreshing = true
      return undefined
    },
    async saveTokens(granted: StoredOAuthTokens) {
      const { expires_in: seconds } = granted
      const expiresAt = seconds === undefined ? null : clock.now() + seconds * 1_000
      await grants.update((grant) =>
        asked !== null || isCurrent(grant) ? { ...grant, tokens: granted, expiresAt } : grant,
      )
    },
    state() {
      // A refresh without a response is not a refusal. No person needs to be asked, because a later attempt may
      // succeed.
      if (isRefreshing) throw new Error("The tokens could not be refreshed.")
      state = randomBytes(32).toString("base64url")
      return state
    },
    async saveCodeVerifier(codeVerifier) {
      const expiresAt = clock.now() + linkLifeMs
      await openStateRecord(secrets, state).write({
        server: config.name,
        serverUrl: serverUrl.href,
        principal,
        expiresAt,
        codeVerifier,
        discovery,
      })
      await addLink({ state, expiresAt })
    },
    redirectToAuthorization(authorizationUrl) {
      requireSafe(authorizationUrl, serverUrl)
      link = authorizationUrl.href
    },
    codeVerifier: () => asked?.codeVerifier ?? "",
    saveDiscoveryState(discovered: OAuthDiscoveryState) {
      discovery = discovered
    },
    discoveryState: () => discovery ?? undefined,
    async invalidateCredentials(scope) {
      // A refused code does not affect the current tokens.
      if (asked !== null) return
      if (scope === "client" || scope === "all") await forgetClient()
      if (scope === "tokens" || scope === "all") await forgetTokens()
    },
    ...(isHeadless && {
      prepareTokenRequest(scope?: string) {
        const wanted = oauth.scope ?? scope
        return new URLSearchParams({
          grant_type: "client_credentials",
          ...(wanted === undefined ? {} : { scope: wanted }),
        })
      },
    }),
  }

  /** Adds a link, and drops expired ones. */
  async function addLink(added: { readonly state: string; readonly expiresAt: number }): Promise<void> {
    const former = (await grants.read())?.links ?? []
    const expiredStates = former
      .filter(({ expiresAt }) => clock.now() > expiresAt)
      .map((known) => known.state)
    await Promise.all(expiredStates.map((known) => openStateRecord(secrets, known).remove()))
    await grants.update((grant) => {
      const links = grant?.links?.filter((known) => !expiredStates.includes(known.state)) ?? []
      return { ...grant, links: [...links, added] }
    })
  }

  async function forgetTokens(): Promise<void> {
    await grants.update((grant) => {
      if (grant === null || !isCurrent(grant)) return grant
      const { tokens: _refused, expiresAt: _ended, ...kept } = grant
      return kept
    })
    tokens = undefined
    isRefreshing = false
  }

  async function forgetClient(): Promise<void> {
    const refused = client?.client_id
    await clients.update((known) => {
      const kept = Object.entries(known ?? {}).filter(([, { client_id }]) => client_id !== refused)
      return kept.length === Object.keys(known ?? {}).length ? known : Object.fromEntries(kept)
    })
  }

  return { provider, link: () => link }
}

/**
 * Returns the error for a failure at an authorization server. It does not concern the MCP server's own connection.
 */
function toFailure(server: string, thrown: unknown): Error {
  if (UnauthorizedError.isInstance(thrown) || thrown instanceof GatewayError) return thrown
  const reason = toError(thrown).message.slice(0, 500)
  const kind = { code: "mcp_authorization_failed", status: 503, retryable: true }
  return new GatewayError(kind, `The gateway could not be authorized at ${server}: ${reason}`, {
    cause: thrown,
  })
}
