import { createContext } from "preact"
import { useContext } from "preact/hooks"
import type { OperatorScope } from "../../src/operations/scopes.ts"

/** The scopes of the operator who uses the page. */
export const OperatorScopes = createContext<readonly OperatorScope[]>([])

/** Returns true if the operator has the scope. */
export function useScope(scope: OperatorScope): boolean {
  return useContext(OperatorScopes).includes(scope)
}
