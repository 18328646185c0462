import { createHmac, timingSafeEqual } from "node:crypto"
import type { Context } from "hono"
import { deleteCookie, getCookie, setCookie } from "hono/cookie"
import type { Clock } from "../core/time/clock.ts"
import type { HttpEnv } from "../http/http-env.ts"
import type { Operator, Operators, SigningOperator } from "../http/operate/operators.ts"

/** Keeps an operator signed in without storing the key in the page. */
export interface OperatorCookie {
  /** Returns the operator who is signed in. Null if there is none. */
  read(c: Context<HttpEnv>): Operator | null
  set(c: Context<HttpEnv>, signer: SigningOperator, options: { readonly secure: boolean }): void
  remove(c: Context<HttpEnv>): void
}

const cookieName = "agent_gateway_operator"
const lifeSeconds = 12 * 60 * 60

/**
 * Creates the cookie `NAME.ISSUED.EXPIRES.MAC`, signed with the operator's key. Without the key it is worth nothing,
 * and every node of a gateway accepts it.
 */
export function createOperatorCookie({
  operators,
  clock,
  path,
}: {
  readonly operators: Operators
  readonly clock: Clock
  readonly path: string
}): OperatorCookie {
  const readSeconds = () => Math.floor(clock.now() / 1000)

  return {
    read(c) {
      const [, claims = "", expiry = "", mac = ""] =
        /^([\w-]+\.\d{1,12}\.(\d{1,12}))\.([\w-]{43})$/.exec(getCookie(c, cookieName) ?? "") ?? []
      if (readSeconds() >= Number(expiry)) return null
      const signer = operators.keys.find(
        ({ key, operator }) => claims.startsWith(`${operator.name}.`) && areEqual(mac, sign(key, claims)),
      )
      return signer?.operator ?? null
    },
    set(c, { key, operator }, { secure }) {
      const now = readSeconds()
      const claims = `${operator.name}.${now}.${now + lifeSeconds}`
      const value = `${claims}.${sign(key, claims)}`
      setCookie(c, cookieName, value, {
        path,
        httpOnly: true,
        sameSite: "Strict",
        secure,
        maxAge: lifeSeconds,
      })
    },
    remove: (c) => void deleteCookie(c, cookieName, { path }),
  }
}

function sign(key: string, claims: string): string {
  return createHmac("sha256", key).update(`console ${claims}`).digest("base64url")
}

/** Compares signatures, which have one length. */
function areEqual(left: string, right: string): boolean {
  return timingSafeEqual(Buffer.from(left), Buffer.from(right))
}
