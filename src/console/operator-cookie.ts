import { createHmac, timingSafeEqual } from "node:crypto"
import type { Context } from "hono"
import { deleteCookie, getCookie, setCookie } from "hono/cookie"
import type { Principal } from "../core/ports/store/session-log.ts"
import type { Clock } from "../core/time/clock.ts"
import type { RememberedRevocations } from "../http/auth/remember-revocations.ts"
import type { HttpEnv } from "../http/http-env.ts"
import type { Operator, Operators, SigningOperator } from "../http/operate/operators.ts"

/** Keeps an operator signed in without storing the key in the page. */
export interface OperatorCookie {
  /** Resolves to the operator who is signed in. Null if there is none. */
  read(c: Context<HttpEnv>): Promise<Operator | null>
  set(c: Context<HttpEnv>, signer: SigningOperator, options: { readonly secure: boolean }): Promise<void>
  /** Ends all cookies of the operator who is signed in, in every browser and on every node. */
  revoke(c: Context<HttpEnv>): Promise<void>
}

const cookieName = "agent_gateway_operator"
const lifeSeconds = 12 * 60 * 60

/**
 * Creates the cookie `NAME.VALIDAFTER.EXPIRES.MAC`, signed with the operator's key. Without the key it is worth
 * nothing, and every node of a gateway accepts it. Like a token, it has the time from which the cookies of its operator
 * were valid when it was issued, so that it can be revoked.
 */
export function createOperatorCookie({
  operators,
  revocations,
  clock,
  path,
}: {
  readonly operators: Operators
  readonly revocations: RememberedRevocations
  readonly clock: Clock
  readonly path: string
}): OperatorCookie {
  const readSeconds = () => Math.floor(clock.now() / 1000)

  const read: OperatorCookie["read"] = async (c) => {
    const [, claims = "", validAfter = "", expiry = "", mac = ""] =
      /^([\w-]+\.(\d{1,16})\.(\d{1,12}))\.([\w-]{43})$/.exec(getCookie(c, cookieName) ?? "") ?? []
    if (readSeconds() >= Number(expiry)) return null
    const signer = operators.keys.find(
      ({ key, operator }) => claims.startsWith(`${operator.name}.`) && areEqual(mac, sign(key, claims)),
    )
    if (signer === undefined) return null
    return Number(validAfter) < (await revocations.recent(toPrincipal(signer.operator)))
      ? null
      : signer.operator
  }

  return {
    read,
    async set(c, { key, operator }, { secure }) {
      const validAfter = await revocations.validAfter(toPrincipal(operator))
      const claims = `${operator.name}.${validAfter}.${readSeconds() + lifeSeconds}`
      const value = `${claims}.${sign(key, claims)}`
      setCookie(c, cookieName, value, {
        path,
        httpOnly: true,
        sameSite: "Strict",
        secure,
        maxAge: lifeSeconds,
      })
    },
    async revoke(c) {
      const operator = await read(c)
      if (operator !== null) await revocations.revoke(toPrincipal(operator))
      deleteCookie(c, cookieName, { path })
    },
  }
}

function toPrincipal({ name }: Operator): Principal {
  return { tenant: "console", userId: name }
}

function sign(key: string, claims: string): string {
  return createHmac("sha256", key).update(`console ${claims}`).digest("base64url")
}

/** Compares signatures, which have one length. */
function areEqual(left: string, right: string): boolean {
  return timingSafeEqual(Buffer.from(left), Buffer.from(right))
}
