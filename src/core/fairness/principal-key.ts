import type { Principal } from "../ports/store/session-log.ts"

/** Returns a key for the principal in maps of this process. */
export function toPrincipalKey({ tenant, userId }: Principal): string {
  return JSON.stringify([tenant, userId])
}
