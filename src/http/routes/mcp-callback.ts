import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi"
import type { Context, MiddlewareHandler } from "hono"
import type { PendingAuthorization } from "../../core/ports/plugin.ts"
import type { Principal } from "../../core/ports/store/session-log.ts"
import type { Identify } from "../auth/identify.ts"
import { isPerson, isSamePrincipal } from "../auth/principal.ts"
import { formatAuthorizationPage, pageHeaders } from "../authorization-page.ts"
import type { HttpEnv } from "../http-env.ts"
import type { FailureLimit } from "../limits/rate-limits.ts"
import { Problem } from "../problem.ts"
import { selectCredential } from "../request/credential.ts"
import { describeProblems } from "../schemas/problem.ts"
import { ofStore } from "../schemas/refusals.ts"

/**
 * Returns the authorization that the query of a returning browser belongs to. Null if there is none. Changes nothing.
 */
export type FindAuthorization = (callback: URLSearchParams) => Promise<PendingAuthorization | null>

/** Path of the route, below the prefix. */
export const mcpCallbackPath = "/mcp/oauth/callback"

export interface McpCallbackOptions {
  readonly find: FindAuthorization
  /** Identifies the person by the request. Null if the gateway knows people only by the claims of an API key. */
  readonly identify: Identify | null
  readonly failures: FailureLimit
  /** Checks for the route on which the application identifies a person. */
  readonly guard: readonly MiddlewareHandler<HttpEnv>[]
}

const query = z.object({
  state: z.string().optional().openapi({ description: "Made by the gateway, for one use within an hour." }),
  code: z.string().optional(),
  error: z.string().optional(),
  iss: z.string().optional(),
})

const ofConfirmation = ["400 authorization_failed", ...ofStore] as const
const ofConfirmationByPerson = [
  ...(["400 authorization_failed", "401 invalid_credentials", "403 wrong_user", "429 rate_limited"] as const),
  ...(["503 authentication_unavailable", ...ofStore] as const),
] as const

/**
 * GET /mcp/oauth/callback is the address to which a browser returns after a person has authorized the gateway at an
 * MCP server. Its page names the server and the user, and its form sends POST, which stores the tokens. A person who
 * was sent a link by another user therefore does not lend them an account by following it.
 */
export function addMcpCallbackRoute(app: OpenAPIHono<HttpEnv>, options: McpCallbackOptions): void {
  const { find, identify, failures, guard } = options
  const common = { path: mcpCallbackPath, tags: ["mcp"], security: [], request: { query } }
  const page = createRoute({
    ...common,
    method: "get",
    operationId: "showMcpAuthorization",
    summary: "Return from the authorization of an MCP server",
    responses: {
      200: {
        description: "A page that names the server and the user, with a form that sends the query by POST.",
        content: { "text/html": { schema: z.string() } },
      },
      ...describeProblems(...ofConfirmation),
    },
  })
  const confirmation = createRoute({
    ...common,
    method: "post",
    operationId: "completeMcpAuthorization",
    summary: "Confirm the authorization of an MCP server",
    middleware: [...guard],
    responses: {
      200: {
        description: "The gateway has the tokens, and the page says so.",
        content: { "text/plain": { schema: z.string() } },
      },
      ...(identify === null
        ? describeProblems(...ofConfirmation)
        : describeProblems(...ofConfirmationByPerson)),
    },
  })

  app.openapi(page, async (c) => {
    const { name, principal } = await requireAuthorization(c)
    return c.html(formatAuthorizationPage(name, principal), 200, pageHeaders)
  })

  app.openapi(confirmation, async (c) => {
    const { name, principal, complete } = await requireAuthorization(c)
    if (identify !== null && principal !== null && isPerson(principal))
      await requirePerson(c, identify, principal)
    if (!(await complete())) throw createFailed()
    return c.text(`The gateway may use ${name} now. You can close this page.`, 200)
  })

  async function requireAuthorization(c: Context<HttpEnv>): Promise<PendingAuthorization> {
    const pending = await find(new URL(c.req.url).searchParams)
    if (pending === null) throw createFailed()
    return pending
  }

  async function requirePerson(c: Context<HttpEnv>, identify: Identify, principal: Principal): Promise<void> {
    const person = await failures.counting(c, selectCredential(c), () => identify({}, c.req.raw))
    if (isSamePrincipal(person, principal)) return
    throw new Problem(
      { code: "wrong_user", status: 403 },
      "This link was made for another user, so nothing was stored. If you did not request it, do not open links from " +
        "whoever sent it to you.",
    )
  }
}

function createFailed(): Problem {
  const message = "The authorization was refused, or this link was used or has expired."
  return new Problem({ code: "authorization_failed", status: 400 }, message)
}
