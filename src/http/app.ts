import { OpenAPIHono } from "@hono/zod-openapi"
import type { Context, MiddlewareHandler } from "hono"
import { getPath } from "hono/utils/url"
import { ConfigurationError, ShuttingDownError, toError } from "../core/errors.ts"
import type { Logger } from "../core/ports/logger.ts"
import type { Observer } from "../core/ports/observer.ts"
import type { Readiness } from "../core/ports/readiness.ts"
import type { Keyring } from "../core/ports/store/keyring.ts"
import type { Clock } from "../core/time/clock.ts"
import type { Sessions } from "../kernel/sessions/sessions.ts"
import type { OperationParts } from "../operations/parts.ts"
import { createDeciderOf } from "./auth/decider.ts"
import { type Identify, type IsOperatorKey, identifyByApiKey, identifyPerson } from "./auth/identify.ts"
import type { RememberedRevocations } from "./auth/remember-revocations.ts"
import { createCallers } from "./auth/resolve-caller.ts"
import { createSecretKeyring, createTokens } from "./auth/tokens.ts"
import { createBodyReaders } from "./body/body-readers.ts"
import { createChooseSession } from "./choose-session.ts"
import { createImageReader } from "./content/read-images.ts"
import { createConversations } from "./conversations.ts"
import { addCustomWires } from "./custom-wire-routes.ts"
import type { HttpEnv } from "./http-env.ts"
import { createIssueSession, createIssueUserToken, type IssueSession } from "./issue-session.ts"
import { createHistoryReads } from "./limits/history-reads.ts"
import type { HttpLimits } from "./limits/http-limits.ts"
import { createRateLimiting, noRateLimiting, type RateLimiting } from "./limits/rate-limits.ts"
import { createAmbientCheck, createAmbientGuard } from "./middleware/ambient-guard.ts"
import { createCors } from "./middleware/cors.ts"
import { createHostGuard } from "./middleware/host-guard.ts"
import { refuseOtherMethods } from "./middleware/method-not-allowed.ts"
import { logRequests } from "./middleware/request-log.ts"
import { createSecurityHeaders } from "./middleware/security-headers.ts"
import { addOpenApiRoute } from "./openapi.ts"
import { admitOperators } from "./operate/admit-operators.ts"
import { describeOperations } from "./operate/describe-operations.ts"
import { addMetricsRoute, describeMetrics } from "./operate/metrics-route.ts"
import { addOperationRoutes } from "./operate/operation-routes.ts"
import type { Operators } from "./operate/operators.ts"
import { knowsUsers, type ResolvedHttpOptions } from "./options.ts"
import { createInvalidBody, Problem, toProblemResponse } from "./problem.ts"
import { type ClientAddress, createClientAddress } from "./request/client-address.ts"
import { toFieldErrors } from "./request/field-errors.ts"
import { isSecure } from "./request/own-address.ts"
import { addMcpCallbackRoute, type FindAuthorization } from "./routes/mcp-callback.ts"
import { createPluginAccess, findBodyOwner } from "./routes/plugin-access.ts"
import { addPluginRoutes, type PluginRoutes } from "./routes/plugin-routes.ts"
import { addStatusRoutes } from "./routes/status.ts"
import { createServedAgents, type ServedAgent } from "./served-agents.ts"
import { createEventStreams, type EventStreams } from "./streams/stream-response.ts"
import { createWirePaths, type WirePaths } from "./wire-paths.ts"
import type { ListSessions, OpenSessionFile, ServedWires, WireParts } from "./wire-routes.ts"

export interface HttpAppOptions extends ResolvedHttpOptions {
  readonly sessions: Sessions
  readonly directory: ListSessions
  readonly wires: ServedWires
  /** The served agents. The first one is the default. Sessions of other agents are treated as missing. */
  readonly agents: readonly ServedAgent[]
  /** Signs the session tokens, unless there is a `jwtSecret`. */
  readonly keyring: Keyring
  readonly revocations: RememberedRevocations
  /** Resolves to the id of the store. */
  readonly storeId: () => Promise<string>
  readonly observers: Partial<Observer>
  readonly clock: Clock
  readonly logger: Logger
  /** The package's version, for the OpenAPI document. */
  readonly version: string
  /** Returns the readiness for GET /ready. */
  readonly readiness: () => Promise<Readiness>
  /** Opens a file of a session's working directory. Null if there is none. Default: there are no files. */
  readonly openFile?: OpenSessionFile | undefined
  /**
   * Returns false while the process stops. New sessions and runs are then refused, but existing runs can still be
   * followed.
   */
  readonly accepting: () => boolean
  /**
   * If true, pages of this machine may call the gateway. For development. Host names are then checked even with keys.
   * Default false.
   */
  readonly allowLocalhost?: boolean | undefined
  readonly limits: HttpLimits
  /** Returns true if clients of the tenant see the own messages of providers. Default: none do. */
  readonly showsProviderErrors?: ((tenant: string) => boolean) | undefined
  /** Bytes of memory for the bodies that are parsed and handled at once. */
  readonly parsedBytes: number
  /** Default: no MCP server needs authorization, so there is no callback route. */
  readonly findAuthorization?: FindAuthorization | undefined
  /** Address of the callback route as browsers reach it. */
  readonly mcpOAuthRedirectUrl?: string | undefined
  /** Default none. */
  readonly pluginRoutes?: PluginRoutes | undefined
  /** Default: there are no operators. */
  readonly operators?: Operators | undefined
  /** Default: there are no operations for operators. */
  readonly operationParts?: OperationParts | undefined
  /** Returns the metrics of the process. Default: it has none. */
  readonly readMetrics?: (() => Promise<string>) | undefined
  /** Maximum milliseconds of a plugin's route. */
  readonly callbackTimeoutMs: number
  /** If true, each request has a line in the log. For development. Default false. */
  readonly logsRequests?: boolean | undefined
  /** Adds pages outside the prefix. Default: there are none. */
  readonly addPages?: AddPages | undefined
  /** Milliseconds between heartbeats. Default 15 000. */
  readonly heartbeatMs?: number | undefined
}

/** Adds routes of pages to the root, behind the checks and headers of every path. */
export type AddPages = (root: OpenAPIHono<HttpEnv>, parts: PageParts) => void

export interface PageParts {
  readonly issueSession: IssueSession
  /** Reads the small JSON bodies of clients that may be unknown. */
  readonly body: MiddlewareHandler<HttpEnv>
  readonly clientAddress: ClientAddress
  /** Counts wrong credentials of an address, and refuses further ones after too many. */
  readonly failures: RateLimiting["failures"]
  /** Returns true if the client used HTTPS. */
  readonly isSecure: (c: Context<HttpEnv>) => boolean
  /** Limits the requests of one operator. */
  readonly countOperator: MiddlewareHandler<HttpEnv>
  /** Adds the routes of all operations below a path, behind middleware that admits operators. */
  readonly addOperations: (
    app: OpenAPIHono<HttpEnv>,
    path: string,
    admit: readonly MiddlewareHandler<HttpEnv>[],
  ) => void
}

const noOperators: Operators = { keys: [], ignoresShortKey: false, find: () => null }

/**
 * Creates the HTTP API of a gateway as a web-standard `fetch`, as docs/http-api.md specifies it. Throws a
 * `ConfigurationError` if an option cannot work.
 */
export function createHttpApp(options: HttpAppOptions): OpenAPIHono<HttpEnv> {
  const { sessions, clock, logger, accepting, readiness, version, trustProxy } = options
  const agents = createServedAgents(options.agents)
  const keyring = options.jwtSecret === undefined ? options.keyring : createSecretKeyring(options.jwtSecret)
  const { revocations, storeId, sessionTtlSeconds: ttlSeconds } = options
  const tokens = createTokens({ keyring, revocations, storeId, clock, ttlSeconds })
  const clientAddress = createClientAddress({ trustProxy, logger })
  const deciderOf = createDeciderOf(clientAddress)
  const rateLimiting = createRateLimits(options, clientAddress)

  const readers = createBodyReaders({
    ...options,
    clientAddress,
    hasAuthenticate: options.authenticate !== undefined,
  })
  const { initBody, readJson, readRaw } = readers
  const newWork = refuseUnless(accepting)
  const byApiKey = options.authenticate === undefined
  const identify = identifyBy(options)
  const ambient = byApiKey ? [] : [createAmbientGuard(options)]
  const callers = createCallers({
    ...{ tokens, sessions, agents, identify, byApiKey, knowsUsers: knowsUsers(options) },
    checkAmbient: createAmbientCheck(options),
    userHeader: options.userHeader,
    failures: rateLimiting.failures,
  })
  const ofSession = callers.admit("session")
  const changing = [ofSession, rateLimiting.caller]

  const prefix = options.prefix.replace(/\/$/, "")
  const wirePaths = createWirePaths(options.wires.builtIn, prefix)
  const respond = (error: unknown, c: Context<HttpEnv>) =>
    toProblemResponse(error, c, { logger, format: wirePaths.find(c.req.path)?.formatProblem })
  const root = createRootApp(options, wirePaths, respond)
  const app = root.basePath(options.prefix)
  app.notFound((c) => respond(createPathNotFound(c.req.path, options.prefix), c))
  const choose = createChooseSession({ sessions, agents, logger })
  const issueSession = createIssueSession(choose, tokens)
  const wireParts: WireParts = {
    sessions,
    directory: options.directory,
    agents,
    streams: createStreams(options),
    historyReads: createHistoryReads(),
    logger,
    issueSession,
    issueUserToken: createIssueUserToken(agents, tokens),
    requireAccess: callers.require,
    revokeTokens: (principal) => revocations.revoke(principal),
    conversations: createConversations({ sessions, agents, choose, init: rateLimiting.init }),
    identify,
    byApiKey,
    rateLimiting,
    deciderOf,
    readImages: createImageReader({ maxBytes: options.limits.chatBodyBytes }),
    openFile: options.openFile ?? (async () => null),
    knowsUsers: knowsUsers(options),
    allowSystemMessages: options.allowSystemMessages,
    accepting,
    clock,
    showsProviderErrors: options.showsProviderErrors ?? (() => false),
    middleware: {
      reading: [ofSession],
      changing,
      newWork,
      byCaller: [callers.admit("wire"), rateLimiting.caller],
      byUser: [callers.admit("user"), rateLimiting.caller],
      revoking: [callers.admit("revoke"), countUnlessSession(rateLimiting)],
      credentials: [callers.refuseTokens, ...ambient, newWork, initBody],
      body: callers.readWhileValid(readers.body),
      optionalBody: callers.readWhileValid(readers.optionalBody),
      chatBody: callers.readWhileValid(readers.chatBody),
    },
  }
  for (const wire of options.wires.builtIn) wire.add(app, wireParts)
  addStatusRoutes(app, { readiness, accepting })
  const { findAuthorization: find } = options
  if (find !== undefined) {
    const { failures } = rateLimiting
    const guard = byApiKey ? [] : [createCallbackGuard(options)]
    addMcpCallbackRoute(app, { find, identify: byApiKey ? null : identify, failures, guard })
  }
  const { operators = noOperators, operationParts, pluginRoutes = new Map() } = options
  const admission = admitOperators(operators, rateLimiting)
  const readOperation = readJson(findBodyOwner("operator", clientAddress))
  const addOperations: PageParts["addOperations"] = (base, path, admit) => {
    if (operationParts === undefined) return
    addOperationRoutes(base, {
      prefix: path,
      admit,
      readBody: readOperation,
      parts: operationParts,
      clientAddress,
    })
  }
  addOperations(app, "/operate", admission)
  addMetricsRoute(app, { admit: admission, read: options.readMetrics })
  if (operators.keys.length > 0) {
    describeOperations(app)
    describeMetrics(app)
  }
  addOpenApiRoute(app, {
    version,
    prefix,
    publicUrl: options.publicUrl,
    pluginRoutes,
    tags: options.wires.builtIn.flatMap(({ tags }) => tags),
  })
  addCustomWires(app, options.wires.custom, wireParts)
  addPluginRoutes(app, {
    prefix,
    routes: pluginRoutes,
    agents,
    callbackTimeoutMs: options.callbackTimeoutMs,
    maxRawBytes: options.limits.chatBodyBytes,
    admit: createPluginAccess({
      callers,
      operators: admission,
      rateLimiting,
    }),
    readBody(access, rawBytes) {
      const owner = findBodyOwner(access, clientAddress)
      const read = rawBytes === undefined ? readJson(owner) : readRaw(owner, rawBytes)
      const hasCaller = access === "session" || access === "user"
      return hasCaller ? [read, callers.refuseRevokedMeanwhile] : [read]
    },
    failures: rateLimiting.failures,
    clientAddress,
    logger,
  })
  options.addPages?.(root, {
    issueSession,
    body: initBody,
    clientAddress,
    failures: rateLimiting.failures,
    isSecure: (c) => isSecure(c, options),
    countOperator: rateLimiting.operator,
    addOperations,
  })
  refuseOtherMethods(root)
  return app
}

/** A user can always sign out of a session. */
function countUnlessSession({ caller: count }: RateLimiting): MiddlewareHandler<HttpEnv> {
  return (c, next) => (c.get("caller").session === null ? count(c, next) : next())
}

function createStreams(options: HttpAppOptions): EventStreams {
  const { sessions, observers, clock, logger, heartbeatMs, limits } = options
  const { viewersPerSession } = limits
  return createEventStreams({ sessions, observers, clock, logger, heartbeatMs, viewersPerSession })
}

function identifyBy({
  authenticate: person,
  validApiKeys,
  operators = noOperators,
}: HttpAppOptions): Identify {
  const isOperatorKey: IsOperatorKey = (key) => operators.find(key) !== null
  if (person === undefined) return identifyByApiKey(validApiKeys, isOperatorKey)
  if (validApiKeys === undefined) return identifyPerson(person, isOperatorKey)
  throw new ConfigurationError("authenticate: this option replaces API keys. Remove validApiKeys.")
}

/** Creates the guard of the callback. The page of the configured address is the gateway's own. */
function createCallbackGuard(options: HttpAppOptions): MiddlewareHandler<HttpEnv> {
  const { corsOrigins, allowedHosts = [], mcpOAuthRedirectUrl: address } = options
  if (address === undefined) return createAmbientGuard(options)
  const { origin, hostname } = new URL(address)
  return createAmbientGuard({
    ...options,
    corsOrigins: [...corsOrigins, origin],
    // An IPv6 address is no host name.
    allowedHosts: hostname.startsWith("[") ? allowedHosts : [...allowedHosts, hostname],
  })
}

function createRateLimits(
  { rateLimits: limits, clock, logger }: HttpAppOptions,
  clientAddress: ClientAddress,
): RateLimiting {
  if (limits === false) return noRateLimiting
  return createRateLimiting({ limits, clock, clientAddress, logger })
}

/** Returns an app with the rules for every path, including paths that do not exist. */
function createRootApp(
  options: HttpAppOptions,
  wirePaths: WirePaths,
  onError: (error: unknown, c: Context<HttpEnv>) => Response,
): OpenAPIHono<HttpEnv> {
  const { logger } = options
  const { corsOrigins: origins, allowedHosts, allowLocalhost = false, publicUrl } = options
  const root = new OpenAPIHono<HttpEnv>({
    defaultHook: (result) => {
      if (!result.success) throw createInvalidBody(toFieldErrors(result.error))
    },
    // A gateway inside another app must not take paths of that app.
    getPath: (request, options) => {
      const path = getPath(request)
      return isOwnServer(options?.env) ? wirePaths.resolveAlias(path) : path
    },
  })
  root.onError(onError)
  if (options.logsRequests === true) root.use(logRequests(logger))
  root.use(createSecurityHeaders(options))
  root.use(throwErrorsOnly)
  const open = allowLocalhost || !knowsUsers(options)
  root.use(createHostGuard({ open, allowedHosts, publicUrl, origins }))
  if (origins.length > 0 || allowLocalhost) {
    const prefix = options.prefix.replace(/\/$/, "")
    root.use(
      createCors({
        ...options,
        allowLocalhost,
        allowCredentials: options.authenticate !== undefined,
        ownPaths: ["/console", `${prefix}/operate`, `${prefix}/metrics`],
      }),
    )
  }
  return root
}

function isOwnServer(bindings: HttpEnv["Bindings"] | undefined): boolean {
  return bindings?.ownServer !== undefined
}

/** Throws only errors, because the framework's error handler receives nothing else. */
const throwErrorsOnly: MiddlewareHandler = async (_c, next) => {
  try {
    await next()
  } catch (thrown) {
    throw toError(thrown)
  }
}

function refuseUnless(accepting: () => boolean): MiddlewareHandler {
  return async (_c, next) => {
    if (!accepting()) throw new ShuttingDownError()
    await next()
  }
}

/** Returns a 404 problem that says where the API is, because its prefix is easily forgotten in an address. */
function createPathNotFound(path: string, prefix: string): Problem {
  const isInside = prefix === "/" || path === prefix || path.startsWith(`${prefix}/`)
  const message = isInside ? "No such path." : `No such path. The API is below ${prefix}.`
  return new Problem({ code: "not_found", status: 404 }, message)
}
