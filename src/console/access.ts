import type { Context, MiddlewareHandler } from "hono"
import type { HttpEnv } from "../http/http-env.ts"
import { isLoopbackName } from "../http/middleware/host-guard.ts"
import { anyOperator, type Operator, type Operators } from "../http/operate/operators.ts"
import { Problem } from "../http/problem.ts"
import { isForwarded } from "../http/request/forwarded.ts"
import type { OperatorCookie } from "./operator-cookie.ts"

/**
 * Decides who may use the console. `loopback`: everyone on this machine, for development. `operator`: everyone with
 * an operator key.
 */
export type ConsoleAccess =
  | { readonly type: "loopback" }
  | { readonly type: "operator"; readonly cookie: OperatorCookie; readonly operators: Operators }

/** Browsers send this header to another origin only after a preflight, and CORS does not allow it. */
const requestHeader = "x-agent-gateway-console"

/** Refuses requests that do not come from a page of the console itself. Checks no credentials. */
export function requireOwnPage(publicUrl: string | undefined): MiddlewareHandler<HttpEnv> {
  const publicHost = publicUrl === undefined ? null : new URL(publicUrl).host
  return async (c, next) => {
    const origin = c.req.header("origin")
    const site = c.req.header("sec-fetch-site")
    const isForeign =
      (site !== undefined && site !== "same-origin") || !isOwnOrigin(origin, [readHost(c), publicHost])
    if (isForeign || c.req.header(requestHeader) !== "1") {
      throw new Problem(
        { code: "console_request_refused", status: 403 },
        "Only pages of the console may send this request.",
      )
    }
    await next()
  }
}

/** Refuses requests of people who may not use the console, and passes the operator on. */
export function requireAccess(access: ConsoleAccess): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    const operator = await findOperator(access, c)
    if (operator === null) throw createSignedOut()
    c.set("operator", operator)
    await next()
  }
}

/** Resolves to the operator who uses the page. Null if the operator must sign in. Rejects for a foreign machine. */
export async function findOperator(access: ConsoleAccess, c: Context<HttpEnv>): Promise<Operator | null> {
  if (access.type === "operator") return access.cookie.read(c)
  requireLoopback(c)
  return anyOperator
}

/**
 * Refuses requests from other machines, including those that a browser would send to this machine: other host names,
 * and tunnels.
 */
function requireLoopback(c: Context<HttpEnv>): void {
  const host = URL.canParse(`http://${readHost(c)}`) ? new URL(`http://${readHost(c)}`).hostname : ""
  if (c.env?.ownServer?.reach === "loopback" && !isForwarded(c) && isLoopbackName(host)) return
  throw new Problem(
    { code: "console_not_local", status: 403 },
    "Without an operator key, the console is only for this machine. Open it at 127.0.0.1, or set " +
      "AGENT_GATEWAY_OPERATOR_KEY.",
  )
}

function readHost(c: Context<HttpEnv>): string {
  return (c.req.header("host") ?? new URL(c.req.url).host).toLowerCase()
}

/**
 * Returns true for the page's own origin. Browsers send no origin to the page's own server, and other clients send
 * none at all.
 */
function isOwnOrigin(origin: string | undefined, hosts: readonly (string | null)[]): boolean {
  if (origin === undefined) return true
  return URL.canParse(origin) && hosts.includes(new URL(origin).host)
}

function createSignedOut(): Problem {
  return new Problem({ code: "operator_signed_out", status: 401 }, "Sign in with an operator key.")
}
