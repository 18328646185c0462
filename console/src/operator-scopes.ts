import { createContext } from "preact"
import { useContext } from "preact/hooks"
import type { OperatorScope } from "../../src/operations/scopes.ts"

/** Tenant of the operators' own conversations. */
export const consoleTenant = "console"

export interface OperatorRights {
  readonly scopes: readonly OperatorScope[]
  /** The only tenant that the operator may see. Null for all tenants. */
  readonly tenant: string | null
}

/** The rights of the operator who uses the page. */
export const CurrentRights = createContext<OperatorRights>({ scopes: [], tenant: null })

/** Returns true if the operator has the scope. */
export function useScope(scope: OperatorScope): boolean {
  return useContext(CurrentRights).scopes.includes(scope)
}

/** Returns true if the operator's operations find the conversations of the console. */
export function useFindsConversations(): boolean {
  const { tenant } = useContext(CurrentRights)
  return tenant === null || tenant === consoleTenant
}
