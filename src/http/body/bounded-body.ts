import type { Context, MiddlewareHandler } from "hono"
import type { HttpEnv } from "../http-env.ts"
import { Problem } from "../problem.ts"
import type { BodyBudget, BodyShare } from "./body-budget.ts"
import { collectBytes } from "./collect-bytes.ts"
import type { JsonParser, ParsedJson } from "./json-parser.ts"
import { findExcess, type JsonSize } from "./json-scan.ts"

export interface BodyLimits extends JsonSize {
  readonly maxBytes: number
}

export interface BoundedBodyOptions {
  readonly limits: BodyLimits
  readonly parse: JsonParser
  readonly budget: BodyBudget
  /** Key of the client whose bodies share one allowance in the budget. */
  readonly owner: (c: Context<HttpEnv>) => string
  /** If true, a request without a body is one with an empty object. */
  readonly optional?: boolean
}

/** Bodies up to this size take nothing from the budget: the number of connections bounds them. */
const uncountedBytes = 4 * 1024

/**
 * Reads and parses the body within its limits, and leaves the value for the validators. The bytes are counted as they
 * come: `content-length` is only believed when it is too large. No step holds up the event loop for long.
 */
export function boundedBody(options: BoundedBodyOptions): MiddlewareHandler<HttpEnv> {
  const { limits, parse, budget, owner, optional = false } = options

  return async (c, next) => {
    const length = announcedLength(c)
    refuseOtherTypes(c, length)
    if (length !== null && length > limits.maxBytes) throw tooLarge(limits.maxBytes)
    const share = budget.open(owner(c))
    try {
      const bytes = await read(c, length, share)
      const value = optional && bytes.byteLength === 0 ? {} : await parseWithin(c, bytes)
      // The validators read these.
      Object.assign(c.req, { json: () => Promise.resolve(value) })
      Object.assign(c.req.bodyCache, { arrayBuffer: Promise.resolve(bytes.buffer) })
      await next()
    } finally {
      share.release()
    }
  }

  async function read(c: Context<HttpEnv>, length: number | null, share: BodyShare) {
    if (length !== null && length > uncountedBytes) takeUpTo(length, share)
    return complete(
      collectBytes(piecesOf(c), length, (bytes) => {
        if (bytes > limits.maxBytes) throw tooLarge(limits.maxBytes)
        if (bytes > uncountedBytes) takeUpTo(bytes, share)
      }),
    )
  }

  async function parseWithin(c: Context<HttpEnv>, bytes: Uint8Array<ArrayBuffer>): Promise<unknown> {
    refuseWithoutType(c, bytes.byteLength)
    const excess = await findExcess(bytes, limits)
    if (excess !== null) throw excessProblem(excess, limits)
    const parsed = await parse(bytes)
    if (parsed.type === "malformed") throw malformed(parsed.reason)
    c.set("bodyBytes", parsed.bytes)
    return parsed.value
  }
}

/**
 * On the gateway's own server the pieces come from Node's stream, which joins small ones. A web stream would hand over each
 * of them in a promise of its own.
 */
function piecesOf(c: Context<HttpEnv>): AsyncIterable<Uint8Array> {
  const server = c.env?.ownServer
  // If the body is refused, the connection must stay open for the response.
  if (server !== undefined) return server.response.req.iterator({ destroyOnReturn: false })
  return c.req.raw.body ?? ReadableStream.from([])
}

function announcedLength(c: Context<HttpEnv>): number | null {
  const announced = c.req.header("content-length")
  return announced === undefined ? null : Number(announced)
}

/** Before anything is read. */
function refuseOtherTypes(c: Context<HttpEnv>, length: number | null): void {
  refuseWithoutType(c, length ?? 0)
  const [mediaType = ""] = (c.req.header("content-type") ?? "application/json").split(";")
  if (mediaType.trim().toLowerCase() !== "application/json") throw unsupportedMediaType()
}

function refuseWithoutType(c: Context<HttpEnv>, length: number): void {
  if (length > 0 && c.req.header("content-type") === undefined) throw unsupportedMediaType()
}

/** Reports a failed upload as a problem of the request: nothing but the client's connection can fail here. */
async function complete<Body>(reading: Promise<Body>): Promise<Body> {
  try {
    return await reading
  } catch (thrown) {
    if (thrown instanceof Problem) throw thrown
    throw new Problem(
      { code: "incomplete_body", status: 400 },
      "The body did not arrive in full, so the request was not processed. Send it again.",
    )
  }
}

function takeUpTo(bytes: number, share: BodyShare): void {
  if (share.takeUpTo(bytes)) return
  throw new Problem(
    { code: "rate_limited", status: 429 },
    "Too many large bodies are being received at once, so this one was not read. Send it again.",
    { headers: { "retry-after": "1" } },
  )
}

function malformed(reason: Extract<ParsedJson, { readonly type: "malformed" }>["reason"]): Problem {
  // JSON is UTF-8 (RFC 8259, section 8.1); replacing what is not would change what the client said.
  const message = reason === "utf8" ? "The body is not valid UTF-8." : "The body is not valid JSON."
  return new Problem({ code: "malformed_json", status: 400 }, message)
}

function excessProblem(excess: "depth" | "values", { maxDepth, maxValues }: JsonSize): Problem {
  if (excess === "depth") {
    return new Problem(
      { code: "nesting_too_deep", status: 422 },
      `The body nests deeper than ${maxDepth} levels.`,
    )
  }
  return new Problem(
    { code: "too_many_values", status: 422 },
    `The body has more than ${maxValues} JSON values and member names. Send fewer, for example in fewer messages or blocks.`,
  )
}

function unsupportedMediaType(): Problem {
  return new Problem({ code: "unsupported_media_type", status: 415 }, "The body must be application/json.")
}

function tooLarge(maxBytes: number): Problem {
  return new Problem({ code: "body_too_large", status: 413 }, `The body is larger than ${maxBytes} bytes.`)
}
