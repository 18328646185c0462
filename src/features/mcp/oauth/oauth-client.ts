import { randomUUID } from "node:crypto"
import { setTimeout as delay } from "node:timers/promises"
import { computeScopeUnion, isStrictScopeSuperset, UnauthorizedError } from "@modelcontextprotocol/client"
import type { Authorizer, Challenge } from "../http/authorizer.ts"
import type { Authorization } from "../server.ts"
import { type FlowParts, flowMs, linkLifeMs, runFlow } from "./oauth-flow.ts"
import { type GrantRecord, openGrantRecord, type StateRecord } from "./oauth-records.ts"

export interface OAuthClient extends Authorizer, Pick<Authorization, "url" | "granted"> {
  /**
   * Handles the query of a browser that returns from the link with this record. Rejects if the query does not belong
   * to it.
   */
  complete(callback: URLSearchParams, asked: StateRecord): Promise<void>
}

/** Milliseconds before their expiry at which tokens are renewed. */
const renewalMarginMs = 30_000
/** Milliseconds between two reads of the store for an authorization by another process. */
const lookAgainMs = 5_000
/** Milliseconds between two reads of the store for tokens that another process is renewing. */
const takeTurnsMs = 100
/** Maximum milliseconds of a process's renewal. It needs less. */
const turnMs = 2 * flowMs

/**
 * Creates the gateway's authorization at one MCP server with OAuth, for one principal, shared with other processes.
 */
export function createOAuthClient(flow: FlowParts): OAuthClient {
  const { config, principal, secrets, clock } = flow
  const grants = openGrantRecord(secrets, config, principal)
  /** Flows in progress in this process, by their purpose. */
  const flows = new Map<string, Promise<void>>()
  let challenged: string | undefined
  let url: string | null = null
  /** The access token at the time when a person was asked. */
  let insufficient: string | undefined
  let arrival = Promise.withResolvers<void>()

  const readAccessToken = async () => (await grants.read())?.tokens?.access_token

  function announceArrival(): void {
    url = null
    arrival.resolve()
    arrival = Promise.withResolvers()
  }

  /** Runs the work once for all calls that are refused at the same time. */
  function shareFlow(purpose: string, work: () => Promise<void>): Promise<void> {
    const known = flows.get(purpose)
    if (known !== undefined) return known
    const flow = work().finally(() => flows.delete(purpose))
    flows.set(purpose, flow)
    return flow
  }

  /**
   * Obtains other tokens, or a link to request them. Only one process at a time does this, because a refresh token is
   * valid for one use, and a second use may revoke the whole grant. Does nothing if another process has made it
   * unnecessary.
   */
  async function authorize(
    challenge: Challenge,
    isNeedless: (grant: GrantRecord | null) => boolean,
    isAnew: (grant: GrantRecord) => boolean,
  ): Promise<void> {
    const id = randomUUID()
    const grant = await takeTurn(id, isNeedless)
    if (grant === null) {
      insufficient = await readAccessToken()
      return
    }
    try {
      const end = await runFlow(flow, { tokens: grant.tokens, challenge, anew: isAnew(grant) })
      if (end.type === "granted") return announceArrival()
      url = end.url
      throw new UnauthorizedError()
    } finally {
      const after = await grants.update((known) => {
        if (known?.renewal?.id !== id) return known
        const { renewal: _over, ...kept } = known
        return kept
      })
      insufficient = after?.tokens?.access_token
    }
  }

  /** Waits for this process's turn. Null if another process made the flow unnecessary meanwhile. */
  async function takeTurn(
    id: string,
    isNeedless: (grant: GrantRecord | null) => boolean,
  ): Promise<GrantRecord | null> {
    for (;;) {
      const grant = await grants.update((known) => {
        const isTaken = known?.renewal !== undefined && clock.now() < known.renewal.until
        if (isTaken || isNeedless(known)) return known
        return { ...known, renewal: { id, until: clock.now() + turnMs } }
      })
      if (grant?.renewal?.id === id) return grant
      if (isNeedless(grant)) return null
      await delay(takeTurnsMs)
    }
  }

  function renew(refused: string | undefined, challenge: Challenge): Promise<void> {
    challenged = computeScopeUnion(challenged, challenge.scope)
    const hasOther = (grant: GrantRecord | null) =>
      grant?.tokens !== undefined && grant.tokens.access_token !== refused
    return shareFlow(`renew ${refused}`, () => authorize(challenge, hasOther, () => false))
  }

  return {
    async token() {
      const grant = await grants.read()
      const token = grant?.tokens?.access_token
      const isOld = grant?.expiresAt != null && clock.now() > grant.expiresAt - renewalMarginMs
      if (!isOld || grant.tokens?.refresh_token === undefined) return token
      try {
        await renew(token, {})
      } catch (thrown) {
        if (UnauthorizedError.isInstance(thrown)) throw thrown
        // The request is sent with the current token, which may still be valid for a moment.
        return token
      }
      return readAccessToken()
    },
    renew,
    widen({ scope, resourceMetadataUrl }) {
      challenged = computeScopeUnion(challenged, scope)
      const wanted = challenged
      return shareFlow(`widen ${wanted}`, async () => {
        const union = computeScopeUnion(wanted, (await grants.read())?.tokens?.scope)
        // A refresh does not extend the granted scope.
        const isMore = ({ tokens }: GrantRecord) => isStrictScopeSuperset(union, tokens?.scope)
        await authorize({ scope: union, resourceMetadataUrl }, () => false, isMore)
      })
    },
    url: () => url,
    async granted(signal) {
      const until = clock.now() + linkLifeMs
      while (!signal.aborted && clock.now() < until) {
        // If the store cannot be reached, it is read again.
        const token = await readAccessToken().catch(() => undefined)
        if (token !== undefined && token !== insufficient) return
        const enough = new AbortController()
        const later = delay(lookAgainMs, undefined, { signal: AbortSignal.any([signal, enough.signal]) })
        await Promise.race([arrival.promise, later.catch(() => undefined)])
        enough.abort()
      }
    },
    async complete(callback, asked) {
      const code = callback.get("code")
      if (code === null) throw new Error("The authorization was refused.")
      await runFlow(flow, { asked, code, iss: callback.get("iss") })
      announceArrival()
    },
  }
}
