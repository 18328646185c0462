import { z } from "@hono/zod-openapi"
import { GatewayError } from "../../core/errors.ts"
import type { Principal } from "../../core/ports/store/session-log.ts"
import { createUnauthorized, type Problem } from "../problem.ts"
import { isAmbient, readBearer } from "../request/credential.ts"
import { printable } from "../schemas/parts/printable.ts"
import { type ApiKey, createTenantOf } from "./api-keys.ts"
import { type Person, toPrincipalOfPerson } from "./principal.ts"
import { readTokenKind } from "./tokens.ts"

/**
 * Returns the person who sends this request, identified by the application. Null for an unknown person. Receives the
 * request without its body. Its `signal` aborts if the result takes too long. A rejection means that identification
 * is currently unavailable.
 */
export type AuthenticatePerson = (request: Request) => Promise<Person | null>

/** Resolves to the principal of a session. Rejects with a 401 problem, or with a retryable error. */
export type Identify = (claim: Claim, request: Request) => Promise<Principal>

/** Members of the request body. */
export interface Claim {
  readonly api_key?: string | undefined
  readonly user_id?: string | undefined
  readonly session_id?: string | undefined
  readonly external_id?: string | undefined
  readonly scope?: "session" | "user" | undefined
}

/** Returns true for the key of an operator, which opens nothing for clients. */
export type IsOperatorKey = (key: string) => boolean

/** Identifies by API key. A valid key may name any user. Without a user, the user id is empty. */
export function identifyByApiKey(
  validApiKeys: readonly ApiKey[] | undefined,
  isOperatorKey: IsOperatorKey,
): Identify {
  const tenantOf = createTenantOf(validApiKeys)
  return async ({ api_key: apiKey = "", user_id: userId = "" }) => {
    // A token of the gateway is no key, even where any key is accepted.
    const isOther = isOperatorKey(apiKey) || readTokenKind(apiKey) !== null
    const tenant = isOther ? null : tenantOf(apiKey)
    if (tenant === null) throw createUnauthorized("invalid_api_key", "The API key is not valid.")
    return { tenant, userId }
  }
}

const personSchema = z.object({ tenant: printable(250).optional(), userId: printable(256) }).nullable()

/** Identifies by the application's function. Claims in the body are ignored. */
export function identifyPerson(
  authenticate: AuthenticatePerson,
  isOperatorKey: IsOperatorKey,
  timeoutMs = 10_000,
): Identify {
  return async (_claim, { url, method, headers }) => {
    if (isOperatorKey(readBearer(headers.get("authorization")) ?? "")) throw createUnknownPerson()
    const signal = AbortSignal.timeout(timeoutMs)
    const bare = new Request(url, { method, headers: [...selectHeaders(headers)], signal })
    const person = await awaitResult(async () => personSchema.parse(await authenticate(bare)), signal)
    if (person === null) throw createUnknownPerson()
    return toPrincipalOfPerson(person)
  }
}

function createUnknownPerson(): Problem {
  return createUnauthorized("invalid_credentials", "The credentials are not valid.")
}

/**
 * A credential that no browser adds by itself is judged alone. Otherwise a cookie could stand in for one that is
 * refused, without the checks of requests that a browser authenticates.
 */
function selectHeaders(headers: Headers): Headers {
  const selected = new Headers(headers)
  if (!isAmbient(headers.get("authorization"))) selected.delete("cookie")
  return selected
}

/**
 * Resolves to the result of the task. Rejects with a `GatewayError` if the task fails, or does not settle before the
 * signal aborts.
 */
async function awaitResult<Answer>(task: () => Promise<Answer>, signal: AbortSignal): Promise<Answer> {
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
