import type { IncomingMessage } from "node:http"
import type { Context, MiddlewareHandler } from "hono"
import type { Pacer } from "../../core/fairness/pacer.ts"
import type { Principal } from "../../core/ports/store/session-log.ts"
import { sleep } from "../../core/time/sleep.ts"
import type { LiveMemory } from "../../kernel/sessions/live-memory.ts"
import type { HttpEnv } from "../http-env.ts"
import { Problem } from "../problem.ts"
import type { BodyBudget, BodyShare } from "./body-budget.ts"
import { collectBytes } from "./collect-bytes.ts"
import type { JsonParser } from "./json-parser.ts"
import { createJsonScan, type JsonSize } from "./json-scan.ts"

export interface BodyLimits extends JsonSize {
  readonly maxBytes: number
}

export interface BoundedBodyOptions {
  readonly limits: BodyLimits
  readonly parse: JsonParser
  readonly budget: BodyBudget
  /** Spreads the large bodies of one owner over time. */
  readonly pacer: Pacer
  /**
   * Memory for the bodies that are parsed and handled at once. A body that finds no room waits as the bytes that were
   * received, so a client that sends its body slowly holds none of this memory.
   */
  readonly parsedMemory: LiveMemory
  /** Returns the client whose bodies share one allowance in the budget. */
  readonly owner: (c: Context<HttpEnv>) => Principal
  /** If true, a request without a body counts as one with an empty object. */
  readonly optional?: boolean
}

/** Bodies up to this size use nothing of the budget, because the number of connections bounds them. */
export const uncountedBytes = 4 * 1024
/** Bodies up to this size need not wait for earlier ones. */
const unpacedBytes = 64 * 1024
/**
 * An estimate: scanning, storing, loading and forwarding a message of 4 MiB takes the event loop about 100 ms, in a
 * few long steps.
 */
const bytesPerMs = 40_000
/** A body that would have to wait longer is refused. */
const longestWaitMs = 20_000
/** Bytes of memory for each byte of a body: of its parsed value, and of copies that are garbage. */
const memoryPerByte = 3
/** Bytes of memory for each value of a body and its copies. */
const memoryPerValue = 200
/** Bodies that take no more memory do not wait for others. */
const uncountedMemory = 256 * 1024
/** Milliseconds after which a slow route gives its share of the memory back, so that no other body waits for ever. */
const longestHoldMs = 10_000

/**
 * Reads and parses the body within its limits, and passes the value to the validators. The bytes are counted as they
 * arrive. `content-length` is trusted only if it exceeds the limit. No step blocks the event loop for long.
 */
export function readBoundedBody(options: BoundedBodyOptions): MiddlewareHandler<HttpEnv> {
  const { limits, parse, budget, pacer, parsedMemory, owner, optional = false } = options

  return async (c, next) => {
    const length = parseContentLength(c)
    refuseOtherTypes(c, length)
    if (length !== null && length > limits.maxBytes) throw createTooLarge(limits.maxBytes)
    // A large body with a known length waits before it is read, and needs no memory meanwhile.
    if (length !== null) await waitForTurn(c, length)
    const share = budget.open(owner(c))
    let giveBack = () => {}
    try {
      const { bytes, values } = await read(c, length, share).catch((error: unknown) => {
        // The body was refused before its end or did not arrive, which costs little, so the charge is returned.
        if (length !== null) pacer.charge(owner(c), -estimateCost(length))
        throw error
      })
      if (length === null) await waitForTurn(c, bytes.byteLength)
      giveBack = await takeMemory(c, bytes.byteLength * memoryPerByte + values * memoryPerValue)
      const value = optional && bytes.byteLength === 0 ? {} : await parseWithin(c, bytes)
      // The validators read these methods.
      Object.assign(c.req, { json: () => Promise.resolve(value) })
      Object.assign(c.req.bodyCache, { arrayBuffer: Promise.resolve(bytes.buffer) })
      await next()
    } finally {
      giveBack()
      share.release()
    }
  }

  /** Waits for the memory. Resolves to a function that gives it back. */
  async function takeMemory(c: Context<HttpEnv>, bytes: number): Promise<() => void> {
    if (bytes <= uncountedMemory) return () => {}
    const giveBack = await complete(parsedMemory.take(owner(c), bytes, c.req.raw.signal))
    const timer = setTimeout(giveBack, longestHoldMs).unref()
    return () => {
      clearTimeout(timer)
      giveBack()
    }
  }

  async function waitForTurn(c: Context<HttpEnv>, bytes: number): Promise<void> {
    const costMs = estimateCost(bytes)
    if (costMs === 0) return
    const principal = owner(c)
    const waitMs = pacer.waitMs(principal)
    if (waitMs > longestWaitMs) throw createTooManyLargeBodies(Math.ceil(waitMs / 1_000))
    pacer.charge(principal, costMs)
    if (waitMs > 0) await sleep(waitMs, c.req.raw.signal)
  }

  async function read(c: Context<HttpEnv>, length: number | null, share: BodyShare) {
    if (length !== null && length > uncountedBytes) takeUpTo(length, share)
    const scan = createJsonScan(limits)
    const bytes = await complete(
      collectBytes(readPieces(c), length, (piece, bytes) => {
        if (bytes > limits.maxBytes) throw createTooLarge(limits.maxBytes)
        if (bytes > uncountedBytes) takeUpTo(bytes, share)
        const excess = scan.read(piece)
        if (excess !== null) throw createExcessProblem(excess, limits)
      }),
    )
    return { bytes, values: scan.values }
  }

  async function parseWithin(c: Context<HttpEnv>, bytes: Uint8Array<ArrayBuffer>): Promise<unknown> {
    refuseWithoutType(c, bytes.byteLength)
    const parsed = await parse(bytes)
    if (parsed.type === "malformed") throw createMalformedProblem(parsed.reason)
    c.set("bodyBytes", parsed.bytes)
    return parsed.value
  }
}

/**
 * Returns the body's pieces. On the gateway's own server they come from Node's stream, which joins small ones. A web
 * stream would deliver each of them in a separate promise.
 */
export function readPieces(c: Context<HttpEnv>): AsyncIterable<Uint8Array> | Iterable<Uint8Array> {
  const server = c.env?.ownServer
  if (server === undefined) return c.req.raw.body ?? []
  const { req: incoming } = server.response
  // A small body usually arrives together with the headers, and then needs no iterator.
  if (incoming.complete) return readBuffered(incoming)
  // If the body is refused, the connection must stay open for the response.
  return incoming.iterator({ destroyOnReturn: false })
}

function readBuffered(incoming: IncomingMessage): readonly Uint8Array[] {
  const piece: Buffer | null = incoming.read()
  return piece === null ? [] : [piece]
}

/** Estimates the milliseconds of the event loop for a body of this size. 0 if the body need not wait. */
function estimateCost(bytes: number): number {
  return bytes > unpacedBytes ? bytes / bytesPerMs : 0
}

export function parseContentLength(c: Context<HttpEnv>): number | null {
  const announced = c.req.header("content-length")
  return announced === undefined ? null : Number(announced)
}

/** Refuses a body of another type or coding before reading it. */
function refuseOtherTypes(c: Context<HttpEnv>, length: number | null): void {
  refuseCompressed(c)
  refuseWithoutType(c, length ?? 0)
  const [mediaType = ""] = (c.req.header("content-type") ?? "application/json").split(";")
  if (mediaType.trim().toLowerCase() !== "application/json") throw createUnsupportedMediaType()
}

/** Refuses a body with a content coding, such as `gzip`. The header names what is accepted (RFC 9110, 12.5.3). */
function refuseCompressed(c: Context<HttpEnv>): void {
  const codings = (c.req.header("content-encoding") ?? "")
    .split(",")
    .map((coding) => coding.trim().toLowerCase())
  if (codings.every((coding) => coding === "" || coding === "identity")) return
  throw new Problem(
    { code: "unsupported_media_type", status: 415 },
    "The body is compressed (content-encoding). Send it without compression.",
    { headers: { "accept-encoding": "identity" } },
  )
}

function refuseWithoutType(c: Context<HttpEnv>, length: number): void {
  if (length > 0 && c.req.header("content-type") === undefined) throw createUnsupportedMediaType()
}

/** Reports a failed upload as a problem of the request, because only the client's connection can fail here. */
export async function complete<Body>(reading: Promise<Body>): Promise<Body> {
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

export function takeUpTo(bytes: number, share: BodyShare): void {
  if (!share.takeUpTo(bytes)) throw createTooManyLargeBodies(1)
}

function createTooManyLargeBodies(retryAfterSeconds: number): Problem {
  return new Problem(
    { code: "rate_limited", status: 429 },
    "Too many large bodies are being received at once, so this one was not read. Send it again " +
      "after the delay in the retry-after header.",
    { headers: { "retry-after": String(retryAfterSeconds) } },
  )
}

function createMalformedProblem(reason: "utf8" | "json"): Problem {
  // JSON is UTF-8 (RFC 8259, section 8.1). Replacing invalid bytes would change the client's data.
  const message = reason === "utf8" ? "The body is not valid UTF-8." : "The body is not valid JSON."
  return new Problem({ code: "malformed_json", status: 400 }, message)
}

function createExcessProblem(excess: "depth" | "values", { maxDepth, maxValues }: JsonSize): Problem {
  if (excess === "depth") {
    return new Problem(
      { code: "nesting_too_deep", status: 422 },
      `The body nests deeper than ${maxDepth} levels.`,
    )
  }
  return new Problem(
    { code: "too_many_values", status: 422 },
    `The body has more than ${maxValues} JSON values and member names. Send fewer, for example in ` +
      "fewer messages or blocks.",
  )
}

function createUnsupportedMediaType(): Problem {
  return new Problem({ code: "unsupported_media_type", status: 415 }, "The body must be application/json.")
}

export function createTooLarge(maxBytes: number): Problem {
  return new Problem({ code: "body_too_large", status: 413 }, `The body is larger than ${maxBytes} bytes.`)
}
