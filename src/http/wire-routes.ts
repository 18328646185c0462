import type { OpenAPIHono } from "@hono/zod-openapi"
import type { MiddlewareHandler } from "hono"
import type { GatewayError } from "../core/errors.ts"
import type { JsonObject } from "../core/json/json.ts"
import type { Logger } from "../core/ports/logger.ts"
import type { Directory } from "../core/ports/store/directory.ts"
import type { Revocations } from "../core/ports/store/revocations.ts"
import type { Session } from "../core/ports/store/session-log.ts"
import type { OpenedFile } from "../core/ports/tools/sandbox.ts"
import type { Clock } from "../core/time/clock.ts"
import type { Sessions } from "../kernel/sessions/sessions.ts"
import type { DeciderOf } from "./auth/decider.ts"
import type { Identify } from "./auth/identify.ts"
import type { Callers } from "./auth/resolve-caller.ts"
import type { ReadImages } from "./content/read-images.ts"
import type { Conversations } from "./conversations.ts"
import type { CustomWire } from "./custom-wire.ts"
import type { HttpEnv } from "./http-env.ts"
import type { IssueSession, IssueUserToken } from "./issue-session.ts"
import type { HistoryReads } from "./limits/history-reads.ts"
import type { RateLimiting } from "./limits/rate-limits.ts"
import type { ServedAgents } from "./served-agents.ts"
import type { EventStreams } from "./streams/stream-response.ts"
import type { WireClient } from "./wire-client.ts"

/** The protocols of an app. */
export interface ServedWires {
  readonly builtIn: readonly WireRoutes[]
  /** The protocols of the application itself. */
  readonly custom: readonly CustomWire[]
}

/** The routes of a protocol. The app adds them below its prefix, and knows no protocol by name. */
export interface WireRoutes {
  /** Path below the prefix that is only the protocol's, such as `/v1`. Undefined for the gateway's own protocol. */
  readonly path?: string
  /** If true, the gateway's own server serves `path` at the root too. Default false. */
  readonly hasRootAlias?: boolean
  /** The name and the path that operators see. Undefined for the gateway's own protocol. */
  readonly client?: WireClient
  /** Returns a problem in the protocol's own form. Default: a problem document (RFC 9457). */
  readonly formatProblem?: (problem: GatewayError) => FormattedProblem
  /** Tags of the operations in the OpenAPI document. */
  readonly tags: readonly OperationTag[]
  /** Adds the routes and their descriptions. */
  add(app: OpenAPIHono<HttpEnv>, parts: WireParts): void
}

/** The response to a request that cannot be served, beside its status and the headers of the problem. */
export interface FormattedProblem {
  /** A text is sent as plain text. */
  readonly body: JsonObject | string
  readonly headers?: Readonly<Record<string, string>>
}

export interface OperationTag {
  readonly name: string
  readonly description: string
}

/** The parts of the app that the routes of a protocol use. */
export interface WireParts {
  readonly sessions: Sessions
  readonly directory: ListSessions
  readonly agents: ServedAgents
  readonly streams: EventStreams
  /** Must be asked before a stored conversation is read at once, and not at the pace of its client. */
  readonly historyReads: HistoryReads
  readonly logger: Logger
  readonly issueSession: IssueSession
  readonly conversations: Conversations
  readonly identify: Identify
  /** Throws a problem if the sender may not use the paths. */
  readonly requireAccess: Callers["require"]
  readonly issueUserToken: IssueUserToken
  /** Revokes all tokens of a principal. */
  readonly revokeTokens: Revocations["revoke"]
  /** If true, `identify` requires an API key in the body. Otherwise the body may be empty. */
  readonly byApiKey: boolean
  readonly rateLimiting: RateLimiting
  readonly deciderOf: DeciderOf
  readonly readImages: ReadImages
  /** Opens a file of a session's working directory. */
  readonly openFile: OpenSessionFile
  /** If false, any API key is accepted, so a client can claim to be any user. */
  readonly knowsUsers: boolean
  readonly allowSystemMessages: boolean
  /** Returns false while the process stops. It then starts no runs. */
  readonly accepting: () => boolean
  readonly clock: Clock
  /** Returns true if clients of the tenant see the own messages of providers. */
  readonly showsProviderErrors: (tenant: string) => boolean
  readonly middleware: WireMiddleware
}

/** Lists of middleware by what a route does. */
export interface WireMiddleware {
  /** Before routes that only read a session. Sets the session of the request's token. */
  readonly reading: MiddlewareHandler<HttpEnv>[]
  /** Before routes that change a session. */
  readonly changing: MiddlewareHandler<HttpEnv>[]
  /** Before routes that start a run, together with `changing`. */
  readonly newWork: MiddlewareHandler<HttpEnv>
  /** Before routes that accept every credential of a client. Sets the caller. */
  readonly byCaller: MiddlewareHandler<HttpEnv>[]
  /** Before routes that belong to a user, with or without a session. Sets the caller. */
  readonly byUser: MiddlewareHandler<HttpEnv>[]
  /** Before the route that revokes tokens. Sets the caller. */
  readonly revoking: MiddlewareHandler<HttpEnv>[]
  /** Before routes that accept credentials in place of a token. */
  readonly credentials: MiddlewareHandler<HttpEnv>[]
  /** Reads a body of `limits.bodyBytes`. */
  readonly body: MiddlewareHandler<HttpEnv>
  readonly optionalBody: MiddlewareHandler<HttpEnv>
  /** Reads a body of `limits.chatBodyBytes`. */
  readonly chatBody: MiddlewareHandler<HttpEnv>
}

export type ListSessions = Pick<Directory, "sessions" | "session" | "runs">

/**
 * Opens a file. Null if there is no such file, or if the path does not lead to a file inside the working directory.
 */
export type OpenSessionFile = (session: Session, path: string) => Promise<OpenedFile | null>
