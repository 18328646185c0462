import type { Context } from "hono"
import type { Decider } from "../../core/log/entries.ts"
import type { HttpEnv } from "../http-env.ts"
import type { ClientAddress } from "../request/client-address.ts"

/** Returns the person or code that sent this request, for the audit trail. */
export type DeciderOf = (c: Context<HttpEnv>) => Decider

export function createDeciderOf(clientAddress: ClientAddress): DeciderOf {
  return (c) => {
    const { principal, credential } = c.get("caller")
    const { tenant, userId } = principal
    return { via: "http", tenant, userId, address: clientAddress(c), credential }
  }
}
