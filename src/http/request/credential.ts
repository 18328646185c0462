import { isUtf8 } from "node:buffer"
import type { Context } from "hono"
import type { HttpEnv } from "../http-env.ts"

/**
 * Returns the Bearer credential of an `Authorization` header. It is in no other place, because tokens in URLs end up in
 * logs and histories (RFC 6750, section 2.1). A key may have any characters, which arrive as the bytes of UTF-8.
 */
export function readBearer(authorization: string | null | undefined): string | null {
  const given = /^Bearer +(\S(?:.*\S)?) *$/i.exec(authorization ?? "")?.[1]
  if (given === undefined) return null
  const bytes = Buffer.from(given, "latin1")
  // Some clients send characters such as "é" as one byte.
  return isUtf8(bytes) ? bytes.toString() : given
}

/**
 * Authorization schemes whose credentials a browser adds by itself, whatever page made it send the request. Cookies,
 * client certificates and network addresses need no header at all.
 */
const ambientSchemes: ReadonlySet<string> = new Set(["", "basic", "digest", "negotiate", "ntlm"])

/** Returns true if a browser may have added all credentials of a request with this header by itself. */
export function isAmbient(authorization: string | null | undefined): boolean {
  const [scheme = ""] = (authorization ?? "").trim().split(/[^!#$%&'*+.^`|~\w-]/, 1)
  return ambientSchemes.has(scheme.toLowerCase())
}

/** Returns the headers by which most applications identify a person, to distinguish wrong credentials. */
export function selectCredential(c: Context<HttpEnv>): string {
  return JSON.stringify([c.req.header("authorization") ?? "", c.req.header("cookie") ?? ""])
}
