import { openStoreOperations, type StoreOperations } from "../../../gateway/operate/open-store-operations.ts"
import type { CliContext } from "../../cli-context.ts"
import { UsageError } from "../../cli-error.ts"
import { callGateway } from "./call-gateway.ts"

export interface OperationsPlace {
  readonly url: string | undefined
  readonly store: string | undefined
  /** Name of the person in the audit trail of the store. Null if it is not known. */
  readonly person: string | null
}

/** Opens the operations of the running gateway at `url`, or else those of the store. */
export async function openOperations(
  { url, store, person }: OperationsPlace,
  { env, signal }: CliContext,
): Promise<StoreOperations> {
  if (url === undefined) return openStoreOperations({ store, person, signal })
  if (store !== undefined) throw new UsageError("give --store or --url, not both")
  if (person !== null) throw new UsageError("with --url, the person is the operator whose key you use")
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) {
    throw new UsageError(`--url must start with http:// or https://, but it is ${url}`)
  }
  const operatorKey = env.AGENT_GATEWAY_OPERATOR_KEY ?? ""
  if (operatorKey === "")
    throw new UsageError("set AGENT_GATEWAY_OPERATOR_KEY to your operator key to use --url")
  return { operate: callGateway({ url, operatorKey, signal }), close: async () => {} }
}
