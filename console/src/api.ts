import type { SessionToken } from "ai-agent-gateway/client"
import type { OperationOutput } from "../../src/operations/operations.ts"
import type { OperatorRights } from "./operator-scopes.ts"

/** A request that the console's own API refused. */
export class ApiError extends Error {
  readonly status: number
  readonly code: string
  /** If true, the same request fails until the operator has another key. */
  readonly isForKey: boolean

  constructor(status: number, code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
    this.isForKey = code === "scope_missing" || code === "tenant_restricted"
  }
}

/** `key`: the operator must sign in. */
export type Access =
  | { readonly type: "key" }
  | ({ readonly type: "open"; readonly can_sign_out: boolean } & OperatorRights)

export type Info = OperationOutput<"gateway.info">

export interface Page<Item> {
  readonly items: readonly Item[]
  readonly next: string | null
}

export type Query = Readonly<Record<string, string | null | undefined>>

/** Sends a request to the console's own API. A header proves that the console's page has sent it. */
export async function call<Answer>(
  method: "GET" | "POST",
  path: string,
  { query = {}, body, signal }: { query?: Query; body?: unknown; signal?: AbortSignal } = {},
): Promise<Answer> {
  const url = new URL(`api/${path}`, new URL(".", location.href))
  for (const [name, value] of Object.entries(query)) if (value) url.searchParams.set(name, value)
  const response = await fetch(url, {
    method,
    headers: { "x-agent-gateway-console": "1", "content-type": "application/json" },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    ...(signal !== undefined && { signal }),
  }).catch((cause: Error) => {
    // The browser's own message, for example "Failed to fetch", does not say what failed.
    throw cause instanceof TypeError ? new Error("The gateway cannot be reached.", { cause }) : cause
  })
  if (response.ok) return (await response.json()) as Answer
  throw await readRefusal(response)
}

/** Requests a token for an existing session, or for a new one. */
export function issueToken(session: { session_id?: string; agent?: string }, signal?: AbortSignal) {
  return call<SessionToken & { readonly session_id: string }>("POST", "session", {
    body: session,
    ...(signal !== undefined && { signal }),
  })
}

async function readRefusal(response: Response): Promise<ApiError> {
  const problem = (await response.json().catch(() => null)) as { code?: string; detail?: string } | null
  const detail = problem?.detail ?? `The gateway answered with status ${response.status}.`
  return new ApiError(response.status, problem?.code ?? "unexpected_response", detail)
}
