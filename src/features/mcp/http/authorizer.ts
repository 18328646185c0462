import { type AuthProvider, extractWWWAuthenticateParams } from "@modelcontextprotocol/client"
import type { ServerFetch } from "./server-fetch.ts"

/** Obtains access tokens for one server. */
export interface Authorizer {
  /** Resolves to the token to send, renewed shortly before it expires. Undefined while there is none. */
  token(): Promise<string | undefined>
  /**
   * Handles the server's refusal of the token `refused`. Resolves when there is another token. Rejects with
   * `UnauthorizedError` if a person must authorize the gateway, and with another error if that is unknown.
   */
  renew(refused: string | undefined, challenge: Challenge): Promise<void>
  /** Handles a server that requires a larger scope than was granted. Settles as `renew`. */
  widen(challenge: Challenge): Promise<void>
}

/** The access that a server requests. */
export interface Challenge {
  readonly scope?: string | undefined
  readonly resourceMetadataUrl?: URL | undefined
}

/** Returns a provider for the SDK's transports, which use it after every 401. */
export function toAuthProvider(authorizer: Authorizer, { tokenOf }: ServerFetch): Required<AuthProvider> {
  return {
    token: () => authorizer.token(),
    onUnauthorized: ({ response }) =>
      authorizer.renew(tokenOf(response), extractWWWAuthenticateParams(response)),
  }
}
