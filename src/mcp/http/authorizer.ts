import { type AuthProvider, extractWWWAuthenticateParams } from "@modelcontextprotocol/client"
import type { ServerFetch } from "./server-fetch.ts"

/** Gets access tokens for one server. */
export interface Authorizer {
  /** The one to send, renewed shortly before its end; undefined while there is none. */
  token(): Promise<string | undefined>
  /**
   * The server refused `refused`: resolves when there is another token. Rejects with `UnauthorizedError` when a
   * person has to let the gateway in, and with another error when it is not known whether one has to.
   */
  renew(refused: string | undefined, challenge: Challenge): Promise<void>
  /** The server wants more than was granted. Settles as `renew`. */
  widen(challenge: Challenge): Promise<void>
}

/** The access that a server asks for. */
export interface Challenge {
  readonly scope?: string | undefined
  readonly resourceMetadataUrl?: URL | undefined
}

/** For the SDK's transports, which ask it on every 401. */
export function toAuthProvider(authorizer: Authorizer, { tokenOf }: ServerFetch): Required<AuthProvider> {
  return {
    token: () => authorizer.token(),
    onUnauthorized: ({ response }) =>
      authorizer.renew(tokenOf(response), extractWWWAuthenticateParams(response)),
  }
}
