import { hash } from "node:crypto"
import type { Principal } from "../../core/ports/store/session-log.ts"

const keyPrefix = "key_"
const namedPrefix = "named_"
const personPrefix = "app_"

/** Returns the tenant of an API key without a name: a digest of the key, so that the key itself is never stored. */
export function toTenantOfKey(apiKey: string): string {
  return `${keyPrefix}${hash("sha256", apiKey).slice(0, 32)}`
}

/** Returns the tenant that an API key names. */
export function toTenantOfName(name: string): string {
  return `${namedPrefix}${name}`
}

/** Returns the principal of a person. Tenants of persons have a prefix, so that none equals the tenant of a key. */
export function toPrincipalOfPerson({ tenant = "default", userId }: Person): Principal {
  return { tenant: `${personPrefix}${tenant}`, userId }
}

/**
 * Returns the principal of a user that only a plugin knows. The name of a plugin contains no dot, so that no two
 * plugins share a tenant.
 */
export function toPrincipalOfPlugin(plugin: string, { tenant = "default", userId }: Person): Principal {
  return { tenant: `plugin_${plugin}.${tenant}`, userId }
}

/** Returns true for the tenants of API keys, of persons, and of this plugin's own users. */
export function isTenantFor(plugin: string, tenant: string): boolean {
  const own = toPrincipalOfPlugin(plugin, { tenant: "", userId: "" }).tenant
  return [keyPrefix, namedPrefix, personPrefix, own].some((prefix) => tenant.startsWith(prefix))
}

/** Returns true for a principal that the application can identify. */
export function isPerson({ tenant }: Principal): boolean {
  return tenant.startsWith(personPrefix)
}

/** A person whom the application has identified. */
export interface Person {
  /** Persons of different tenants are different, even with the same `userId`. Default `default`. */
  readonly tenant?: string | undefined
  readonly userId: string
}

export function isSamePrincipal(left: Principal, right: Principal): boolean {
  return left.tenant === right.tenant && left.userId === right.userId
}
