import { z } from "@hono/zod-openapi"
import { GatewayError } from "../../core/errors.ts"
import type { Principal } from "../../core/ports/session-log.ts"
import { unauthorized } from "../problem.ts"
import { printable } from "../schemas/printable.ts"
import { createApiKeyCheck } from "./api-keys.ts"
import { type Person, principalOf, principalOfPerson } from "./principal.ts"

/**
 * Returns the person who sends this request, by the application's own means; null for an unknown person. It is given
 * the request without its body. Its `signal` is aborted when the answer comes too late. A rejection means that it
 * cannot tell now.
 */
export type AuthenticatePerson = (request: Request) => Promise<Person | null>

/** Whom a session is for. Rejects with a 401 problem, or with an error that is retryable. */
export type Identify = (claim: Claim, request: Request) => Promise<Principal>

/** Members of the body. */
export interface Claim {
  readonly api_key?: string | undefined
  readonly user_id?: string | undefined
  readonly session_id?: string | undefined
}

/** An API key lets in, and speaks for whichever user it names. */
export function identifyByApiKey(validApiKeys: readonly string[] | undefined): Identify {
  const isValid = createApiKeyCheck(validApiKeys)
  return async ({ api_key: apiKey = "", user_id: userId }) => {
    if (!isValid(apiKey)) throw unauthorized("invalid_api_key", "The API key is not valid.")
    return principalOf(apiKey, userId)
  }
}

const personSchema = z.object({ tenant: printable(250).optional(), userId: printable(256) }).nullable()

/** The application lets in; nothing that the body claims counts. */
export function identifyPerson(authenticate: AuthenticatePerson, timeoutMs = 10_000): Identify {
  return async (_claim, { url, method, headers }) => {
    const signal = AbortSignal.timeout(timeoutMs)
    const bare = new Request(url, { method, headers: [...headers], signal })
    const person = await answered(async () => personSchema.parse(await authenticate(bare)), signal)
    if (person === null) throw unauthorized("invalid_credentials", "The credentials are not valid.")
    return principalOfPerson(person)
  }
}

/** The task's answer; a `GatewayError` when it fails or does not come before the signal. */
async function answered<Answer>(task: () => Promise<Answer>, signal: AbortSignal): Promise<Answer> {
  const late = Promise.withResolvers<never>()
  const giveUp = () => late.reject(signal.reason)
  signal.addEventListener("abort", giveUp, { once: true })
  try {
    return await Promise.race([task(), late.promise])
  } catch (error) {
    throw new GatewayError(
      { code: "authentication_unavailable", status: 503, retryable: true },
      "Authentication is unavailable, so the request was not processed. " +
        "Retry after the delay in the retry-after header.",
      { cause: error, detail: "The option authenticate failed. The request was refused with 503." },
    )
  } finally {
    signal.removeEventListener("abort", giveUp)
  }
}
