import type { Principal } from "./session-log.ts"

/**
 * Requests of model attempts. The caller divides them into parts, and encrypts them. Consecutive requests of a session
 * form a series, in which each request is stored with the parts that no earlier one has. A series is removed from its
 * first request on.
 */
export interface KeptRequests {
  /**
   * Stores a request and resolves to its number. Resolves to null if the session or the first request of the series
   * does not exist.
   */
  put(sessionId: string, request: NewKeptRequest): Promise<number | null>
  /** Resolves to the newest requests of a session, newest first. With an id, to those of this attempt. */
  list(sessionId: string, query: KeptRequestQuery): Promise<readonly KeptRequest[]>
  /**
   * Resolves to the parts of a request and of all earlier ones in its series, oldest first. Resolves to none if the
   * first request of the series does not exist.
   */
  parts(sessionId: string, request: Pick<KeptRequest, "number" | "series">): Promise<readonly Uint8Array[]>
  /** Resolves to the bytes of all requests of a session, or of all sessions for null. */
  bytes(sessionId: string | null): Promise<number>
  /** Removes the series of the oldest request if this is older than `before`. Resolves to the removed bytes. */
  removeOldest(before: number): Promise<number>
  /** Removes everything of the sessions of a principal. */
  removeOf(principal: Principal): Promise<void>
}

export interface KeptRequestQuery {
  readonly id?: string | undefined
  readonly limit: number
}

export interface KeptRequestFacts {
  /** Id of the model attempt. */
  readonly id: string
  /** Milliseconds since the Unix epoch. */
  readonly at: number
  /** Number of the first request of the series. Null for the first one. */
  readonly series: number | null
  readonly facts: Uint8Array
}

export interface NewKeptRequest extends KeptRequestFacts {
  readonly parts: Uint8Array
}

export interface KeptRequest extends KeptRequestFacts {
  /** Grows with each request of the store. */
  readonly number: number
}
