import type { Json, JsonObject } from "../json/json.ts"
import type { PluginUser } from "./plugin-runs.ts"
import type { Principal, Session } from "./store/session-log.ts"

/**
 * A route of a plugin: a handler for requests with a session token, or an object with the level of access. All agents
 * that have a route have it with the same `access` and `rawBytes`.
 */
export type PluginRoute = PluginHandler | SessionRoute | UserRoute | OperatorRoute | PublicRoute

/**
 * Returns a response within `callbackTimeoutMs`. Its body may be a stream, which has no time limit. If the handler
 * throws a `GatewayError` other than a `ConfigurationError`, the client receives a problem with its code and status.
 * The gateway logs any other error, and the client receives the problem `internal_error` with status 500.
 */
export type Handler<Request> = (request: Request) => Response | Promise<Response>

export interface PluginHandler extends Handler<PluginRequest> {
  /** Never set. TypeScript then recognizes an object without `access` as a `SessionRoute`. */
  readonly access?: undefined
}

/** For requests with a session token. The plugins of that session's agent handle them. */
export interface SessionRoute extends RouteOptions {
  readonly access?: "session" | undefined
  readonly handle: PluginHandler
}

/**
 * For requests of a user: of a session token, of a user token, whom the holder of an API key names, or whom the option
 * `authenticate` identifies. Refused with 403 `user_required` without a user, and with 403 `users_unknown` if the
 * gateway accepts any API key.
 */
export interface UserRoute extends RouteOptions {
  readonly access: "user"
  readonly handle: Handler<UserRequest>
}

/** For requests with the operator key as Bearer token. */
export interface OperatorRoute extends RouteOptions {
  readonly access: "operator"
  readonly handle: Handler<RouteRequest>
}

/** For all requests, such as webhooks. They are limited by the client's network address. */
export interface PublicRoute extends RouteOptions {
  readonly access: "public"
  /**
   * Verifies the request, such as its signature, and returns the user that it comes from. Null refuses the request
   * with 401 `invalid_credentials`. Many refused requests of one network are answered with 429. Default: the request
   * comes from no user.
   */
  readonly identify?: (request: RouteRequest) => PluginUser | null | Promise<PluginUser | null>
  readonly handle: Handler<PublicRequest>
}

interface RouteOptions {
  /** OpenAPI 3.1 operation object. The gateway adds the credentials and the problems that every route can return. */
  readonly operation?: JsonObject | undefined
  /**
   * Maximum bytes of a body that is passed on as it was sent, of any content type, such as for a signature. At most
   * `limits.chatBodyBytes`. Default: the body is JSON within the gateway's limits.
   */
  readonly rawBytes?: number
}

export interface RouteRequest {
  /** The request without its body, which the gateway has already read. */
  readonly request: Request
  /** Values of the path's parameters. */
  readonly params: Readonly<Record<string, string>>
  /** The parsed JSON body. Null for a request without one, and with `rawBytes`. */
  readonly body: Json
  /** The body as it was sent, with `rawBytes`. Otherwise empty. */
  readonly bytes: Uint8Array
  /** Aborted when the client disconnects, also while the response is streamed, and if the handler takes too long. */
  readonly signal: AbortSignal
}

export interface PluginRequest extends RouteRequest {
  /** The session of the request's token. */
  readonly session: Session
}

export interface UserRequest extends RouteRequest {
  readonly principal: Principal
  /** Name of the agent whose plugin handles the request. */
  readonly agent: string
  /** The session of a session token. Null with other credentials. */
  readonly session: Session | null
}

export interface PublicRequest extends RouteRequest {
  /** The principal of the user that `identify` returned: `runs.principalOf(user)`. Null without `identify`. */
  readonly principal: Principal | null
}
