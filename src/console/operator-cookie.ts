import { createHash, createHmac, timingSafeEqual } from "node:crypto"
import type { Context } from "hono"
import { deleteCookie, getCookie, setCookie } from "hono/cookie"
import type { Clock } from "../core/time/clock.ts"
import type { HttpEnv } from "../http/http-env.ts"

/** Keeps an operator signed in without storing the key in the page. */
export interface OperatorCookie {
  /** Returns true if this is the operator key. The time of the check reveals nothing about the key. */
  isKey(key: string): boolean
  isValid(c: Context<HttpEnv>): boolean
  set(c: Context<HttpEnv>, options: { readonly secure: boolean }): void
  remove(c: Context<HttpEnv>): void
}

const cookieName = "agent_gateway_operator"
const lifeSeconds = 12 * 60 * 60

/**
 * Creates the cookie: its expiry, signed with the operator key. Another key signs everyone out, and every node of a
 * gateway accepts the cookie.
 */
export function createOperatorCookie({
  operatorKey,
  clock,
  path,
}: {
  readonly operatorKey: string
  readonly clock: Clock
  readonly path: string
}): OperatorCookie {
  const sign = (expiry: string) =>
    createHmac("sha256", operatorKey).update(`console ${expiry}`).digest("base64url")
  const readSeconds = () => Math.floor(clock.now() / 1000)

  return {
    isKey: (key) => areEqual(key, operatorKey),
    isValid(c) {
      const [expiry = "", signature = ""] = (getCookie(c, cookieName) ?? "").split(".")
      if (!/^\d{1,12}$/.test(expiry) || !areEqual(signature, sign(expiry))) return false
      return readSeconds() < Number(expiry)
    },
    set(c, { secure }) {
      const expiry = String(readSeconds() + lifeSeconds)
      const value = `${expiry}.${sign(expiry)}`
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

/** Compares digests. They have one length, which the comparison needs. */
function areEqual(left: string, right: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest()
  return timingSafeEqual(digest(left), digest(right))
}
