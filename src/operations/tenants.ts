import { GatewayError } from "../core/errors.ts"
import type { ListedSession } from "../core/ports/store/directory.ts"
import type { Principal } from "../core/ports/store/session-log.ts"
import { createTenantRestricted, type OperationCaller } from "./operation.ts"
import type { OperationParts } from "./parts.ts"

/** Tenant of the operators' own sessions. No API key and no application can use it. */
export const consoleTenant = "console"

/** Tenant of users whom the application names without a tenant. */
export const applicationTenant = "app_default"

/** Returns the owner of what the caller creates for itself. */
export function toOperatorPrincipal({ name }: OperationCaller): Principal {
  if (name === null) return { tenant: "local", userId: "local" }
  return { tenant: consoleTenant, userId: name }
}

/** Returns the tenant to which a list is limited. Throws if the caller may not see the requested one. */
export function chooseTenant(
  requested: string | undefined,
  { tenant: own }: OperationCaller,
): string | undefined {
  if (own !== null && requested !== undefined && requested !== own) throw createTenantRestricted()
  return own ?? requested
}

/** Rejects with `session_not_found` also for a session of a tenant that the caller may not see. */
export async function findSession(
  { directory }: Pick<OperationParts, "directory">,
  sessionId: string,
  { tenant }: OperationCaller,
): Promise<ListedSession> {
  const found = await directory.session(sessionId)
  if (found === null || (tenant !== null && found.tenant !== tenant)) throw createSessionNotFound()
  return found
}

export function createSessionNotFound(): GatewayError {
  return new GatewayError(
    { code: "session_not_found", status: 404 },
    "The session does not exist or has expired.",
  )
}
