import { randomBytes } from "node:crypto"
import {
  auth,
  type OAuthClientInformationContext,
  type OAuthClientMetadata,
  type OAuthClientProvider,
  type OAuthDiscoveryState,
  type StoredOAuthClientInformation,
  type StoredOAuthTokens,
} from "@modelcontextprotocol/client"
import type { Clock } from "../../core/clock.ts"
import type { Secrets } from "../../core/ports/secrets.ts"
import type { HttpConfig, ServerConfig } from "../config/server-config.ts"
import type { Authorization } from "../server.ts"
import type { Principal } from "../servers.ts"
import {
  clientRecord,
  type GrantRecord,
  grantRecord,
  type StateRecord,
  stateRecord,
} from "./oauth-records.ts"

export interface OAuthClientOptions {
  readonly config: ServerConfig
  readonly transport: HttpConfig
  readonly principal: Principal | null
  readonly secrets: Secrets
  readonly clock: Clock
  /** Where a person's browser comes back to; null when nobody can be asked. */
  readonly redirectUrl: string | null
  readonly clientName: string
}

export interface OAuthClient extends Omit<Authorization, "release"> {
  /** Takes what the browser brought back, by the link this was recorded of. Rejects when it is not what was asked for. */
  complete(callback: URLSearchParams, asked: StateRecord): Promise<void>
}

/** Renewed so long before their end, in milliseconds. */
const renewalMarginMs = 30_000
/** How long a link is good for. */
const linkLifeMs = 3_600_000
/** How often the store is asked whether another process was let in. */
const lookAgainMs = 5_000

/**
 * OAuth 2.1 for one MCP server and one principal, on the SDK's flow: discovery, registration, PKCE, refresh and step-up.
 * https://modelcontextprotocol.io/specification/2025-11-25/basic/authorization
 */
export function createOAuthClient(options: OAuthClientOptions): OAuthClient {
  const { config, transport, principal, secrets, clock, redirectUrl, clientName } = options
  const { oauth, url: serverUrl } = transport
  const isHeadless = oauth.grant === "client_credentials"
  const clients = clientRecord(secrets, config)
  const grants = grantRecord(secrets, config, principal)
  /** Links in the making, oldest first: the flow asks for a link's state, and then gives its verifier. */
  const begun: { readonly state: string; readonly expiresAt: number }[] = []
  let discovered: OAuthDiscoveryState | null = null
  let completing: StateRecord | null = null
  let url: string | null = null
  let renewal: Promise<void> | null = null
  let arrival = Promise.withResolvers<void>()
  let writing: Promise<void> = Promise.resolve()

  /** One change after the other: the flow saves several fields of the record. */
  function change(fields: Partial<Record<keyof GrantRecord, unknown>>): Promise<void> {
    const changing = writing.then(async () => {
      const entries = Object.entries({ ...(await grants.read()), ...fields })
      await grants.write(Object.fromEntries(entries.filter(([, value]) => value !== undefined)))
    })
    writing = changing.catch(() => undefined)
    return changing
  }

  async function currentTokens(): Promise<StoredOAuthTokens | undefined> {
    const grant = await grants.read()
    const isOld = grant?.expiresAt != null && clock.now() > grant.expiresAt - renewalMarginMs
    if (!isOld || grant?.tokens?.refresh_token === undefined) return grant?.tokens
    // Once for all requests: servers take a refresh token only once.
    renewal ??= renew().finally(() => {
      renewal = null
    })
    await renewal
    return (await grants.read())?.tokens
  }

  async function renew(): Promise<void> {
    try {
      await auth(provider, { serverUrl })
    } catch {
      // The request goes out with what there is; the server's refusal begins the flow that can tell.
    }
  }

  const metadata: OAuthClientMetadata = {
    client_name: clientName,
    redirect_uris: redirectUrl === null || isHeadless ? [] : [redirectUrl],
    grant_types: isHeadless ? ["client_credentials"] : ["authorization_code", "refresh_token"],
    response_types: isHeadless ? [] : ["code"],
    ...(oauth.scope !== undefined && { scope: oauth.scope }),
  }

  const provider: OAuthClientProvider = {
    redirectUrl: isHeadless ? undefined : (redirectUrl ?? undefined),
    clientMetadata: metadata,
    ...(oauth.clientMetadataUrl !== undefined && { clientMetadataUrl: oauth.clientMetadataUrl }),
    state() {
      const state = randomBytes(32).toString("base64url")
      begun.push({ state, expiresAt: clock.now() + linkLifeMs })
      return state
    },
    async clientInformation(context?: OAuthClientInformationContext) {
      if (oauth.clientId !== undefined) {
        const secret = oauth.clientSecret === undefined ? {} : { client_secret: oauth.clientSecret }
        return { client_id: oauth.clientId, ...secret }
      }
      return (await clients.read())?.[context?.issuer ?? ""]
    },
    async saveClientInformation(client: StoredOAuthClientInformation, context) {
      await clients.write({ ...(await clients.read()), [context?.issuer ?? ""]: client })
    },
    async tokens(context?: OAuthClientInformationContext) {
      return context === undefined ? currentTokens() : (await grants.read())?.tokens
    },
    async saveTokens(tokens) {
      const { expires_in: seconds } = tokens
      const expiresAt = seconds === undefined ? null : clock.now() + seconds * 1_000
      // What was discovered counts for one flow: servers move.
      discovered = null
      await change({ tokens, expiresAt })
      url = null
      arrival.resolve()
      arrival = Promise.withResolvers()
    },
    redirectToAuthorization(authorizationUrl) {
      url = authorizationUrl.href
    },
    async saveCodeVerifier(codeVerifier) {
      const link = begun.shift()
      if (link === undefined) throw new Error("There is a code verifier without a state.")
      const { state, expiresAt } = link
      await stateRecord(secrets, state).write({
        server: config.name,
        principal,
        expiresAt,
        codeVerifier,
        discovery: discovered,
      })
      const former = (await grants.read())?.links ?? []
      const over = former.filter((known) => clock.now() > known.expiresAt)
      await Promise.all(over.map((known) => stateRecord(secrets, known.state).remove()))
      await change({ links: [...former.filter((known) => !over.includes(known)), link] })
    },
    codeVerifier: () => completing?.codeVerifier ?? "",
    saveDiscoveryState(state: OAuthDiscoveryState) {
      discovered = state
    },
    discoveryState: () => completing?.discovery ?? discovered ?? undefined,
    async invalidateCredentials(scope) {
      if (scope === "all" || scope === "client") await clients.remove()
      if (scope === "all") await grants.remove()
      if (scope === "tokens") await change({ tokens: undefined, expiresAt: undefined })
      if (scope === "all" || scope === "discovery") discovered = null
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

  return {
    provider,
    url: () => url,
    async granted(signal) {
      const isOver = arrival.promise.then(() => true)
      const before = (await grants.read())?.tokens?.access_token
      const until = clock.now() + linkLifeMs
      const { promise: stopped, resolve: stop } = Promise.withResolvers<void>()
      signal.addEventListener("abort", () => stop(), { once: true })
      while (!signal.aborted && clock.now() < until) {
        const { promise: later, resolve } = Promise.withResolvers<boolean>()
        const timer = setTimeout(() => resolve(false), lookAgainMs)
        const arrived = await Promise.race([isOver, later, stopped.then(() => true)])
        clearTimeout(timer)
        if (arrived || (await grants.read())?.tokens?.access_token !== before) return
      }
    },
    async complete(callback, asked) {
      const authorizationCode = callback.get("code")
      const iss = callback.get("iss")
      if (authorizationCode === null) throw new Error("The authorization was refused.")
      completing = asked
      try {
        await auth(provider, { serverUrl, authorizationCode, ...(iss !== null && { iss }) })
      } finally {
        completing = null
      }
    },
  }
}
