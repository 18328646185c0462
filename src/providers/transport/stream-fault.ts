/** A stream of which a piece is missing: it contradicts what it said before, as when a proxy joins two responses. */
export class BrokenStreamError extends Error {
  constructor(message: string) {
    super(message)
    this.name = "BrokenStreamError"
  }
}

/** A successful response that is not an event stream. The message has the beginning of a body that is text or JSON. */
export class NotAStreamError extends Error {
  /** The whole body, if it is JSON and short; else undefined. */
  readonly json: unknown

  constructor(contentType: string, body: string) {
    const said = body.trim() === "" ? "" : ` It says: ${body.trim().slice(0, longestQuote)}`
    super(`The response is not an event stream; its content type is “${contentType}”.${said}`)
    this.name = "NotAStreamError"
    this.json = parsed(body)
  }
}

/** Characters of a body that a log may show. */
const longestQuote = 500

function parsed(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/** A response that is larger than any real one. Repeating the request would only bring it again. */
export class StreamLimitError extends Error {
  constructor(message: string) {
    super(message)
    this.name = "StreamLimitError"
  }
}
