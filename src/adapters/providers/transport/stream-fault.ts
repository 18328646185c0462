/**
 * A part of a stream is missing: the stream contradicts its earlier part, for example because a proxy joined two
 * responses.
 */
export class BrokenStreamError extends Error {
  constructor(message: string) {
    super(message)
    this.name = "BrokenStreamError"
  }
}

/** A successful response is not an event stream. The message has the beginning of a body that is text or JSON. */
export class NotAStreamError extends Error {
  /** The whole body, if it is JSON and short. Otherwise undefined. */
  readonly json: unknown

  constructor(contentType: string, body: string) {
    const said = body.trim() === "" ? "" : ` It says: ${body.trim().slice(0, longestQuote)}`
    super(`The response is not an event stream; its content type is “${contentType}”.${said}`)
    this.name = "NotAStreamError"
    this.json = parseBody(body)
  }
}

/** Maximum characters of a body in a log. */
const longestQuote = 500

function parseBody(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/** A response is larger than any real one. A repeated request would lead to the same response. */
export class StreamLimitError extends Error {
  constructor(message: string) {
    super(message)
    this.name = "StreamLimitError"
  }
}
