import type { Sessions, UserTokenResponse } from "../core/wire/messages.ts"
import type { CancelableOptions } from "./chat.ts"
import { type ConnectOptions, createSessionConnection } from "./connect.ts"
import { formatPath } from "./format-path.ts"

/** The token of a user in the form of the response to `POST /chat/init` with the scope `user`. */
export type IssuedUserToken = Pick<UserTokenResponse, "user_token"> & Partial<UserTokenResponse>

export interface UserOptions
  extends Pick<ConnectOptions, "url" | "fetch" | "maxRetries" | "retryDelayMs" | "stallTimeoutMs"> {
  /** Returns a user token from your own server. Called again before it expires, and when the gateway refuses it. */
  readonly token: (request: {
    /** Aborted if the callback takes too long. */
    readonly signal: AbortSignal
  }) => IssuedUserToken | PromiseLike<IssuedUserToken>
}

export interface SessionsQuery extends CancelableOptions {
  /** Only sessions in this state. Default: all. */
  readonly state?: Sessions["sessions"][number]["state"]
  /** The `next` of the previous page. Default: the newest sessions. */
  readonly after?: string
  /** Maximum number of sessions of the page, at most 200. Default 50. */
  readonly limit?: number
}

/** A user of a gateway, who may have several sessions with one agent. */
export interface User {
  /** Returns one page of the user's sessions, newest first. */
  sessions(query?: SessionsQuery): Promise<Sessions>
  /** Ends all tokens of the user, also those of sessions, and their streams. Sessions remain. */
  signOut(options?: CancelableOptions): Promise<void>
}

/** Creates a client for one user. Sends nothing before it is used. */
export function connectUser({ token, ...options }: UserOptions): User {
  const { call } = createSessionConnection({
    ...options,
    token: async (request) => {
      const { user_token, expires_at } = await token(request)
      return { session_token: user_token, ...(expires_at && { expires_at }) }
    },
  })
  return {
    sessions: async ({ signal, ...query } = {}) =>
      (await call("GET", formatPath("/sessions", { ...query }), { signal })) as Sessions,
    async signOut({ signal } = {}) {
      await call("POST", "/chat/revoke", { signal })
    },
  }
}
