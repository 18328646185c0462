/** Bytes of each chunk of a content except the last. A chunk is read or written in about a millisecond. */
export const contentChunkBytes = 128 * 1024

/** Large texts of sessions, such as tool results. They are removed with their session. */
export interface Contents {
  /**
   * Stores a content if the session has room for it. Returns `unknown` for an unknown session. The same content is
   * stored once, even if it is put twice. A content whose put failed is not stored.
   */
  put(sessionId: string, content: Content, limits: ContentLimits): Promise<"stored" | "full" | "unknown">
  /** Resolves to the bytes of a content. Null if the session has no such content. */
  size(sessionId: string, id: string): Promise<number | null>
  /** Resolves to one chunk of a content, counted from 0. Null if there is no such chunk. */
  chunk(sessionId: string, id: string, number: number): Promise<Uint8Array | null>
  /** Resolves to true if the session has any content. */
  hasAny(sessionId: string): Promise<boolean>
}

export interface Content {
  /** A digest of the bytes. */
  readonly id: string
  readonly bytes: number
  /** The bytes. Each chunk except the last has `contentChunkBytes` bytes. */
  readonly chunks: readonly Uint8Array[]
}

export interface ContentLimits {
  /** Maximum bytes of all contents of the session. */
  readonly sessionBytes: number
}
