import type { Problem } from "../core/wire/messages.ts"
import { ChatError } from "./chat-error.ts"
import type { Connection } from "./exchange.ts"

/** Statuses of proxies whose upstream is away or busy. */
const transientStatuses: readonly number[] = [408, 425, 429]
/** Statuses of a gateway's temporary refusals. */
const transientProblems: readonly number[] = [408, 429, 503]
/** Codes of problems that remain until a person or client acts. */
const lastingCodes: readonly string[] = ["queue_full"]

const maxProblemBytes = 256 * 1024

/** Returns the error for a response that is not a success. */
export async function createRefusal(
  response: Response,
  chunks: AsyncIterable<Uint8Array>,
  connection: Connection,
): Promise<ChatError> {
  const problem = await readProblem(response, chunks)
  if (problem === null) return createUnexpectedResponse(response, connection)
  connection.reached = true
  const { code, detail, status } = problem
  const retryable = transientProblems.includes(status) && !lastingCodes.includes(code)
  return new ChatError({
    code,
    message: detail,
    problem,
    status,
    retryable,
    retryAfterMs: retryAfter(response),
  })
}

/**
 * Returns the error for a response that no gateway sent. If a gateway has responded at this address before, a proxy
 * before it is the likely sender, and the gateway may return.
 */
export function createUnexpectedResponse(response: Response, { reached }: Connection): ChatError {
  const { status } = response
  const type = response.headers.get("content-type") ?? "no content type"
  return new ChatError({
    code: "unexpected_response",
    message: `The response (status ${status}, ${type}) is not a gateway's. Check the address and its prefix.`,
    status,
    retryable: reached || status >= 500 || transientStatuses.includes(status),
    retryAfterMs: retryAfter(response),
  })
}

async function readProblem(response: Response, chunks: AsyncIterable<Uint8Array>): Promise<Problem | null> {
  if (!response.headers.get("content-type")?.startsWith("application/problem+json")) return null
  const text = await readText(chunks, maxProblemBytes)
  try {
    const problem: unknown = JSON.parse(text ?? "")
    return isProblem(problem) ? problem : null
  } catch {
    // A truncated or endless document does not come from a gateway either.
    return null
  }
}

/** Reads a body. Resolves to null if it is larger than the limit. */
export async function readText(chunks: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string | null> {
  const decoder = new TextDecoder()
  let text = ""
  let bytes = 0
  for await (const chunk of chunks) {
    bytes += chunk.byteLength
    if (bytes > maxBytes) return null
    text += decoder.decode(chunk, { stream: true })
  }
  return text
}

function isProblem(value: unknown): value is Problem {
  const { code, detail, status } = Object(value) as Partial<Problem>
  return typeof code === "string" && typeof detail === "string" && typeof status === "number"
}

/**
 * Returns milliseconds (RFC 9110, section 10.2.3). A date is compared with this machine's clock, which may be wrong.
 */
function retryAfter({ headers }: Response): number | undefined {
  const value = headers.get("retry-after")
  if (value === null) return undefined
  const seconds = Number(value)
  const ms = Number.isNaN(seconds) ? Date.parse(value) - Date.now() : seconds * 1000
  return Number.isNaN(ms) ? undefined : Math.max(0, ms)
}
