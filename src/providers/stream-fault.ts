/** A stream of which a piece is missing: it contradicts what it said before, as when a proxy joins two responses. */
export class BrokenStreamError extends Error {
  constructor(message: string) {
    super(message)
    this.name = "BrokenStreamError"
  }
}

/** A response that is larger than any real one. Repeating the request would only bring it again. */
export class StreamLimitError extends Error {
  constructor(message: string) {
    super(message)
    this.name = "StreamLimitError"
  }
}
