import { OpenAPIHono } from "@hono/zod-openapi"
import type { MiddlewareHandler } from "hono"
import type { Clock } from "../core/clock.ts"
import { ConfigurationError, ShuttingDownError, toError } from "../core/errors.ts"
import type { Keyring } from "../core/ports/keyring.ts"
import type { Logger } from "../core/ports/logger.ts"
import type { Sessions } from "../sessions/sessions.ts"
import { createApiKeyCheck } from "./auth/api-keys.ts"
import { authenticate } from "./auth/authenticate.ts"
import { createSessionTokens, keyringOfSecret } from "./auth/tokens.ts"
import { boundedBody } from "./body.ts"
import { crossOrigin } from "./cors.ts"
import { fieldErrors } from "./field-errors.ts"
import type { HttpEnv } from "./http-env.ts"
import { addOpenApiRoute } from "./openapi.ts"
import { invalidBody, Problem, problemResponse } from "./problem.ts"
import { addCancelRoute } from "./routes/cancel.ts"
import { addChatRoute } from "./routes/chat.ts"
import { addHistoryRoute } from "./routes/history.ts"
import { addInitRoute } from "./routes/init.ts"
import { addStatusRoutes, type Readiness } from "./routes/status.ts"
import { addSubscribeRoute } from "./routes/subscribe.ts"
import { createEventStreams } from "./sse/event-streams.ts"

export interface HttpAppOptions {
  readonly sessions: Sessions
  /** Signs the session tokens, unless there is a `jwtSecret`. */
  readonly keyring: Keyring
  readonly clock: Clock
  readonly logger: Logger
  /** The package's, for the OpenAPI document. */
  readonly version: string
  /** Looked at by GET /ready. */
  readonly readiness: () => Promise<Readiness>
  /** False while the process stops: new sessions and runs are refused, what is there can still be followed. */
  readonly accepting: () => boolean
  /** Default `/api`; `/` for none. */
  readonly prefix?: string | undefined
  /** Default: any key that is not empty. */
  readonly validApiKeys?: readonly string[] | undefined
  /** At least 32 bytes. */
  readonly jwtSecret?: string | undefined
  /** A token's life, not a session's. Default 3600. */
  readonly sessionTtlSeconds?: number | undefined
  /** What a client may ask for. Default: anything. */
  readonly allowedModels?: readonly string[] | undefined
  /** Default false. */
  readonly allowSystemMessages?: boolean | undefined
  /** Origins whose pages may call. Default none. */
  readonly corsOrigins?: readonly string[] | undefined
  /** Also pages of this machine. Default false. */
  readonly allowLocalhost?: boolean | undefined
  readonly limits?: Partial<HttpLimits> | undefined
  /** Default 15 000. */
  readonly heartbeatMs?: number | undefined
}

export interface HttpLimits {
  /** Default 4 MiB. */
  readonly chatBodyBytes: number
  /** Of every other body. Default 256 KiB. */
  readonly bodyBytes: number
  /** Levels of objects and arrays in a body. Default 64. */
  readonly jsonDepth: number
}

const defaultLimits: HttpLimits = { chatBodyBytes: 4 * 1024 * 1024, bodyBytes: 256 * 1024, jsonDepth: 64 }

/**
 * The HTTP surface of a gateway as a web-standard `fetch`, by the contract of docs/http-api.md.
 * Throws a `ConfigurationError` when an option cannot work.
 */
export function createHttpApp(options: HttpAppOptions): OpenAPIHono<HttpEnv> {
  const { sessions, clock, logger, accepting, readiness, version } = options
  const keyring = options.jwtSecret === undefined ? options.keyring : keyringOfSecret(options.jwtSecret)
  const tokens = createSessionTokens({ keyring, clock, ttlSeconds: options.sessionTtlSeconds ?? 3600 })
  const heartbeatMs = options.heartbeatMs ?? 15_000
  const openEventStream = createEventStreams({ sessions, clock, logger, heartbeatMs })

  const limits = { ...defaultLimits, ...options.limits }
  const body = boundedBody({ maxBytes: limits.bodyBytes, maxDepth: limits.jsonDepth })
  const chatBody = boundedBody({ maxBytes: limits.chatBodyBytes, maxDepth: limits.jsonDepth })
  const optionalBody = boundedBody({
    maxBytes: limits.bodyBytes,
    maxDepth: limits.jsonDepth,
    whenEmpty: "{}",
  })
  const authenticated = authenticate(tokens, sessions)
  const newWork = refuseUnless(accepting)

  const root = rootApp(options)
  const app = root.basePath(prefixOf(options))
  app.notFound((c) =>
    problemResponse(new Problem({ code: "not_found", status: 404 }, "No such path."), c, logger),
  )
  addInitRoute(app, {
    sessions,
    tokens,
    isValidApiKey: createApiKeyCheck(options.validApiKeys),
    middleware: [newWork, body],
  })
  addChatRoute(app, {
    sessions,
    openEventStream,
    allowedModels: options.allowedModels,
    allowSystemMessages: options.allowSystemMessages ?? false,
    middleware: [newWork, authenticated, chatBody],
  })
  addSubscribeRoute(app, { openEventStream, middleware: [authenticated] })
  addCancelRoute(app, { sessions, middleware: [authenticated, optionalBody] })
  addHistoryRoute(app, { sessions, middleware: [authenticated] })
  addStatusRoutes(app, { readiness, accepting })
  addOpenApiRoute(app, { version })
  refuseOtherMethods(root)
  return app
}

function prefixOf({ prefix = "/api" }: HttpAppOptions): string {
  if (/^(\/|(\/[\w.~-]+)+)$/.test(prefix)) return prefix
  throw new ConfigurationError(`prefix: "${prefix}" is not a path like "/api".`)
}

/** What holds on every path, those that do not exist too. */
function rootApp(options: HttpAppOptions): OpenAPIHono<HttpEnv> {
  const { logger, corsOrigins: origins = [], allowLocalhost = false } = options
  const root = new OpenAPIHono<HttpEnv>({
    defaultHook: (result) => {
      if (!result.success) throw invalidBody(fieldErrors(result.error))
    },
  })
  root.onError((error, c) => problemResponse(error, c, logger))
  root.use(plainHeaders)
  if (origins.length > 0 || allowLocalhost) root.use(crossOrigin({ origins, allowLocalhost }))
  return root
}

const plainHeaders: MiddlewareHandler = async (c, next) => {
  try {
    await next()
  } catch (thrown) {
    // The framework's error handler is only given Errors.
    throw toError(thrown)
  }
  c.header("x-content-type-options", "nosniff")
  // Tokens and conversations are nobody's to keep; a stream has its own word on that.
  if (!c.res.headers.has("cache-control")) c.header("cache-control", "no-store")
}

function refuseUnless(accepting: () => boolean): MiddlewareHandler {
  return async (_c, next) => {
    if (!accepting()) throw new ShuttingDownError()
    await next()
  }
}

/** Called last: what gets here on a path that exists came with another method. */
function refuseOtherMethods(root: OpenAPIHono<HttpEnv>): void {
  const methodsByPath = Map.groupBy(
    root.routes.filter(({ method }) => method !== "ALL"),
    ({ path }) => path,
  )
  for (const [path, routes] of methodsByPath) {
    const allow = [
      ...new Set(routes.flatMap(({ method }) => (method === "GET" ? ["GET", "HEAD"] : [method]))),
    ].join(", ")
    root.all(path, () => {
      throw new Problem({ code: "method_not_allowed", status: 405 }, `This path takes ${allow}.`, {
        headers: { allow },
      })
    })
  }
}
