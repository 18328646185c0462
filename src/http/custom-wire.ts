import { z } from "zod"
import type { ContentPart } from "../core/history/messages.ts"
import type { Json, JsonObject } from "../core/json/json.ts"
import type { PluginAnswer } from "../core/ports/plugin-runs.ts"
import type { Wait } from "../core/ports/store/approvals.ts"
import type { WhenBusy } from "../core/ports/store/inbox.ts"
import type { Session } from "../core/ports/store/session-log.ts"
import { createFunctionSchema } from "../platform/options/schemas.ts"
import { routeName } from "./routes/route-name.ts"
import type { Wire } from "./streams/wire.ts"

/** A protocol of the application: the routes for clients that speak it. */
export interface CustomWire {
  /** Name for messages, such as `lines`. */
  readonly name: string
  /**
   * Handlers by method and path below the prefix, such as `POST /lines/:id`. Every request has a session token, as for
   * the gateway's own routes.
   */
  readonly routes: Readonly<Record<string, WireHandler>>
}

/** Responds to a request. Errors with a `code` and a `status` become problem documents. */
export type WireHandler = (request: WireRequest) => Response | Promise<Response>

export interface WireRequest {
  /** The session of the request's token. */
  readonly session: Session
  /** The request without its body, which the gateway has already read. */
  readonly request: Request
  /** Values of the path's parameters. */
  readonly params: Readonly<Record<string, string>>
  /** The parsed JSON body, within the gateway's limits. Null for a request without one. */
  readonly body: Json
  /** Aborted when the client disconnects. The run continues. */
  readonly signal: AbortSignal
  /**
   * Puts a message into the session. When this resolves, the run is durable. Rejects with the problems of `POST /chat`,
   * such as `run_active`.
   */
  start(message: WireMessage): Promise<WireRun>
  /** Resolves to a run of the session. Null if there is none with this id. */
  run(runId: string): Promise<WireRun | null>
  /** Lists the open waits of the session and of its sub-agents, oldest first. */
  waits(): Promise<readonly Wait[]>
  /**
   * Answers waits together: the run continues once, after all of them. Resolves when the answers are durable. Rejects
   * with `wait_not_found`, `already_answered`, `wait_expired`, `wrong_nonce` or `invalid_answer`.
   */
  answer(answers: readonly WireAnswer[]): Promise<void>
  /** Cancels a run. Resolves to false if it has ended or does not exist. */
  cancel(runId: string): Promise<boolean>
  /**
   * Responds with the stream of a run in this format. Takes one of the session's places for viewers before it calls
   * `open`, which usually starts the run.
   */
  stream<State>(format: Wire<State>, open: () => Promise<WireStream>): Promise<Response>
}

export interface WireMessage {
  readonly content: string | readonly ContentPart[]
  /** Context that `buildChatRuntime` receives and that is logged with the run. Default `{}`. */
  readonly context?: JsonObject
  /** Decides what happens while the session is busy. Default `reject`. */
  readonly whenBusy?: WhenBusy
  /** A second message with the same key and content starts no other run. Default: none. */
  readonly idempotencyKey?: string
}

export interface WireRun {
  readonly runId: string
  /** Cursor before the first entry of the run. */
  readonly cursor: number
  /** Position in the queue, from 1, of a run that must wait. Otherwise undefined. */
  readonly position?: number | undefined
}

/** An answer to a wait of its kind. */
export type WireAnswer = Pick<Wait, "toolCallId" | "nonce"> & PluginAnswer

export interface WireStream {
  /** The run, to its end or until it is parked. */
  readonly run: WireRun
  /** Cursor of a client that continues. Default: the stream starts with the run. */
  readonly after?: number | undefined
  /** Headers of the response beside those of every stream. Default: none. */
  readonly headers?: Readonly<Record<string, string>>
}

export const customWires = z
  .array(
    z.strictObject({
      name: z.string().regex(/^[\w-]{1,64}$/, "expected 1 to 64 letters, digits, `_` or `-`"),
      routes: z
        .record(z.string(), createFunctionSchema<WireHandler>())
        .refine(
          (routes) => Object.keys(routes).every((route) => routeName.test(route)),
          'expected a method and a path, such as "POST /lines"',
        ),
    }),
  )
  .readonly()
