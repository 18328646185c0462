import type { ToolCallPart, VendorData } from "../../../core/history/messages.ts"
import type { JsonObject } from "../../../core/json/json.ts"
import { openAiAddress } from "./connection.ts"

/**
 * Returns the tag by which a provider recognizes its vendor data. Ids, encrypted reasoning and extra fields of one
 * service are useless for another service with the same API. The tag of OpenAI itself is the provider's name. Other
 * tags also have the host, without credentials or path.
 */
export function createVendorTag(name: string, baseURL: string): string {
  const { host } = new URL(baseURL)
  return host === new URL(openAiAddress).host ? name : `${name}@${host}`
}

/** Returns the data with this tag. Undefined for data of another provider. */
export function selectOwnData(data: VendorData | undefined, vendor: string): JsonObject | undefined {
  return data?.provider === vendor ? data.data : undefined
}

/** Returns the id that the service with this tag gave a call. Null if it gave none. */
export function findGivenCallId(call: ToolCallPart, vendor: string): string | null {
  const { call_id, id } = selectOwnData(call.vendor, vendor) ?? {}
  const ownId = call_id ?? id
  return typeof ownId === "string" && ownId !== "" ? ownId : null
}
