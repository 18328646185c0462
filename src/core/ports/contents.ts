/** Bytes of each chunk of a content but the last: one is read or written in about a millisecond. */
export const contentChunkBytes = 128 * 1024

/** Large texts of sessions, such as results of tools. They are removed with their session. */
export interface Contents {
  /**
   * Stores a content if the session has room for it. Returns `unknown` for an unknown session. The same content put
   * twice is stored once. A content whose put failed is not there.
   */
  put(sessionId: string, content: Content, limits: ContentLimits): Promise<"stored" | "full" | "unknown">
  /** Resolves to the bytes of a content; null if the session has no such content. */
  size(sessionId: string, id: string): Promise<number | null>
  /** Resolves to one chunk of a content, counted from 0; null if there is none. */
  chunk(sessionId: string, id: string, number: number): Promise<Uint8Array | null>
  /** Resolves to true if the session has any content. */
  hasAny(sessionId: string): Promise<boolean>
}

export interface Content {
  /** A digest of the bytes. */
  readonly id: string
  readonly bytes: number
  /** The bytes, each chunk but the last with `contentChunkBytes` of them. */
  readonly chunks: readonly Uint8Array[]
}

export interface ContentLimits {
  /** Bytes of all contents of the session. */
  readonly sessionBytes: number
}
