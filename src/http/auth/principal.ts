import { createHash } from "node:crypto"
import type { Principal } from "../../core/ports/session-log.ts"

/**
 * Returns the principal that an API key stands for. The tenant is a digest of the key, so the key itself is stored
 * nowhere; without a user of its own a key is one user.
 */
export function principalOf(apiKey: string, userId: string | undefined): Principal {
  const digest = createHash("sha256").update(apiKey).digest("hex")
  return { tenant: `key_${digest.slice(0, 32)}`, userId: userId ?? `user_${digest.slice(32, 48)}` }
}

/** Whom the application named. Its tenants have a prefix of their own: no name can be one of a key's tenants. */
export function principalOfPerson({ tenant = "default", userId }: Person): Principal {
  return { tenant: `app_${tenant}`, userId }
}

/** Somebody whom the application knows. */
export interface Person {
  /** Persons of different tenants are different, whatever their `userId`. Default `default`. */
  readonly tenant?: string | undefined
  readonly userId: string
}

export function isSamePrincipal(left: Principal, right: Principal): boolean {
  return left.tenant === right.tenant && left.userId === right.userId
}
