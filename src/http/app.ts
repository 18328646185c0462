import { OpenAPIHono } from "@hono/zod-openapi"
import type { Context, MiddlewareHandler } from "hono"
import { getPath } from "hono/utils/url"
import { ConfigurationError, ShuttingDownError, toError } from "../core/errors.ts"
import { computePlacesForNewcomers } from "../core/fairness/places-for-newcomers.ts"
import type { Logger } from "../core/ports/logger.ts"
import type { Observer } from "../core/ports/observer.ts"
import type { Keyring } from "../core/ports/store/keyring.ts"
import type { Principal } from "../core/ports/store/session-log.ts"
import type { Clock } from "../core/time/clock.ts"
import { createPacer } from "../core/time/pacer.ts"
import { LiveMemory } from "../kernel/sessions/live-memory.ts"
import type { Sessions } from "../kernel/sessions/sessions.ts"
import { authenticate, createFindTokenSession, refuseRevokedMeanwhile } from "./auth/authenticate.ts"
import { createDeciderOf } from "./auth/decider.ts"
import { type Identify, identifyByApiKey, identifyPerson } from "./auth/identify.ts"
import type { RememberedRevocations } from "./auth/remember-revocations.ts"
import { resolveCaller } from "./auth/resolve-caller.ts"
import { createSecretKeyring, createTokens } from "./auth/tokens.ts"
import { createBodyBudget } from "./body/body-budget.ts"
import { type BodyLimits, readBoundedBody } from "./body/bounded-body.ts"
import { createJsonParser } from "./body/json-parser.ts"
import { readRawBody } from "./body/raw-body.ts"
import { createChooseSession } from "./choose-session.ts"
import { createImageReader } from "./content/read-images.ts"
import { createConversations } from "./conversations.ts"
import { addCustomWires } from "./custom-wire-routes.ts"
import type { HttpEnv } from "./http-env.ts"
import { createIssueSession, type IssueSession } from "./issue-session.ts"
import type { HttpLimits } from "./limits/http-limits.ts"
import { maxInitBodyBytes, maxInitValues } from "./limits/init-limits.ts"
import { computeNetwork } from "./limits/network.ts"
import { createRateLimiting, noRateLimiting, type RateLimiting } from "./limits/rate-limits.ts"
import { createAmbientCheck, createAmbientGuard } from "./middleware/ambient-guard.ts"
import { createCors } from "./middleware/cors.ts"
import { createHostGuard } from "./middleware/host-guard.ts"
import { refuseOtherMethods } from "./middleware/method-not-allowed.ts"
import { logRequests } from "./middleware/request-log.ts"
import { createSecurityHeaders } from "./middleware/security-headers.ts"
import { addOpenApiRoute } from "./openapi.ts"
import { knowsUsers, type ResolvedHttpOptions } from "./options.ts"
import { createInvalidBody, Problem, toProblemResponse } from "./problem.ts"
import type { Readiness } from "./readiness.ts"
import { type ClientAddress, createClientAddress } from "./request/client-address.ts"
import { toFieldErrors } from "./request/field-errors.ts"
import { isSecure } from "./request/forwarded.ts"
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
  /** Key of the operators, for plugins' routes for them. Default: no one may use those routes. */
  readonly operatorKey?: string | undefined
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
  /** Reads JSON bodies within the gateway's limits. It must follow a route that authenticates. */
  readonly body: MiddlewareHandler<HttpEnv>
  readonly clientAddress: ClientAddress
  /** Counts wrong credentials of an address, and refuses further ones after too many. */
  readonly failures: RateLimiting["failures"]
  /** Returns true if the client used HTTPS. */
  readonly isSecure: (c: Context<HttpEnv>) => boolean
}

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

  const readers = createBodyReaders(options, clientAddress)
  const { body, optionalBody, chatBody, initBody, pageBody, readJson, readRaw } = readers
  const findSession = createFindTokenSession({ tokens, sessions, agents })
  const authenticated = authenticate(findSession, rateLimiting.failures)
  const changing = [authenticated, rateLimiting.session]
  const newWork = refuseUnless(accepting)
  const byApiKey = options.authenticate === undefined
  const identify = identifyBy(options)
  const ambient = byApiKey ? [] : [createAmbientGuard(options)]

  const prefix = options.prefix.replace(/\/$/, "")
  const wirePaths = createWirePaths(options.wires.builtIn, prefix)
  const respond = (error: unknown, c: Context<HttpEnv>) =>
    toProblemResponse(error, c, { logger, format: wirePaths.find(c.req.path)?.formatProblem })
  const root = createRootApp(options, wirePaths, respond)
  const app = root.basePath(options.prefix)
  app.notFound((c) => respond(createPathNotFound(c.req.path, options.prefix), c))
  const choose = createChooseSession({ sessions, agents })
  const issueSession = createIssueSession(choose, tokens)
  const wireParts: WireParts = {
    sessions,
    directory: options.directory,
    agents,
    streams: createStreams(options),
    logger,
    issueSession,
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
    showsProviderErrors: options.showsProviderErrors ?? (() => false),
    middleware: {
      reading: [authenticated],
      changing,
      newWork,
      byCaller: [
        resolveCaller({
          findSession,
          identify,
          byApiKey,
          checkAmbient: createAmbientCheck(options),
          userHeader: options.userHeader,
          rateLimiting,
        }),
      ],
      credentials: [...ambient, newWork, initBody],
      body,
      optionalBody,
      chatBody,
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
  const { pluginRoutes = new Map() } = options
  addOpenApiRoute(app, {
    version,
    prefix,
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
      authenticated,
      identify: byApiKey ? null : identify,
      ambient,
      knowsUsers: knowsUsers(options),
      operatorKey: options.operatorKey,
      rateLimiting,
    }),
    readBody(access, rawBytes) {
      const owner = findBodyOwner(access, clientAddress)
      const read = rawBytes === undefined ? readJson(owner) : readRaw(owner, rawBytes)
      const hasSession = access === "session" || (access === "user" && byApiKey)
      return hasSession ? [read, refuseRevokedMeanwhile(sessions)] : [read]
    },
    failures: rateLimiting.failures,
    clientAddress,
    logger,
  })
  options.addPages?.(root, {
    issueSession,
    body: pageBody,
    clientAddress,
    failures: rateLimiting.failures,
    isSecure: (c) => isSecure(c, trustProxy),
  })
  refuseOtherMethods(root)
  return app
}

/** Maximum size of the bodies in memory at once, of one owner and of all together, in bodies of the largest size. */
const bodiesOfOwner = 8
const bodiesTogether = 32
const bodiesKept = computePlacesForNewcomers(bodiesTogether)
/**
 * Share of the event loop for the large bodies of one owner, and the time that two of the largest bodies take at
 * once.
 */
const shareOfBodies = 0.15
const burstOfBodiesMs = 200

type BodyOwner = (c: Context<HttpEnv>) => Principal

function createBodyReaders(options: HttpAppOptions, clientAddress: ClientAddress) {
  const { chatBodyBytes, bodyBytes, jsonDepth, jsonValues } = options.limits
  const parse = createJsonParser()
  const createBudget = (maxBytes: number) =>
    createBodyBudget({
      ownerBytes: bodiesOfOwner * maxBytes,
      totalBytes: bodiesTogether * maxBytes,
      keptBytes: bodiesKept * maxBytes,
    })
  const pacer = createPacer({ share: shareOfBodies, burstMs: burstOfBodiesMs })
  const parsedMemory = new LiveMemory({ maxBytes: options.parsedBytes })
  const ofPrincipals = {
    parse,
    pacer,
    parsedMemory,
    budget: createBudget(Math.max(chatBodyBytes, bodyBytes)),
    owner: (c: Context<HttpEnv>) => c.get("caller").principal,
  }
  const limits: BodyLimits = { maxBytes: bodyBytes, maxDepth: jsonDepth, maxValues: jsonValues }
  const initBytes = Math.min(bodyBytes, maxInitBodyBytes)
  return {
    body: readBoundedBody({ ...ofPrincipals, limits }),
    optionalBody: readBoundedBody({ ...ofPrincipals, limits, optional: true }),
    chatBody: readBoundedBody({ ...ofPrincipals, limits: { ...limits, maxBytes: chatBodyBytes } }),
    pageBody: readBoundedBody({ ...ofPrincipals, owner: () => ({ tenant: "pages", userId: "" }), limits }),
    readJson: (owner: BodyOwner) => readBoundedBody({ ...ofPrincipals, owner, limits, optional: true }),
    readRaw: (owner: BodyOwner, maxBytes: number) =>
      readRawBody({ budget: ofPrincipals.budget, owner, maxBytes }),
    // No client has been authenticated yet.
    initBody: readBoundedBody({
      parse,
      pacer,
      parsedMemory,
      budget: createBudget(initBytes),
      owner: (c) => ({ tenant: computeNetwork(clientAddress(c) ?? ""), userId: "" }),
      limits: { ...limits, maxBytes: initBytes, maxValues: Math.min(jsonValues, maxInitValues) },
      optional: options.authenticate !== undefined,
    }),
  }
}

function createStreams(options: HttpAppOptions): EventStreams {
  const { sessions, observers, clock, logger, heartbeatMs, limits } = options
  const { viewersPerSession } = limits
  return createEventStreams({ sessions, observers, clock, logger, heartbeatMs, viewersPerSession })
}

function identifyBy({ authenticate: person, validApiKeys }: HttpAppOptions): Identify {
  if (person === undefined) return identifyByApiKey(validApiKeys)
  if (validApiKeys === undefined) return identifyPerson(person)
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
  const { corsOrigins: origins, allowLocalhost = false, trustProxy } = options
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
  root.use(createSecurityHeaders({ trustProxy }))
  root.use(throwErrorsOnly)
  const open = allowLocalhost || !knowsUsers(options)
  root.use(createHostGuard({ open, allowedHosts: options.allowedHosts, origins }))
  if (origins.length > 0 || allowLocalhost) {
    root.use(createCors({ ...options, allowLocalhost }))
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
