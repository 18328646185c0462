import type { JsonObject } from "../../core/json/json.ts"
import type { ToolCallPart, VendorData } from "../../core/messages.ts"
import { openAiAddress } from "./connection.ts"

/**
 * Returns the tag by which a provider knows its vendor data again: ids, encrypted reasoning and extra fields of one
 * service mean nothing to another that speaks the same API. OpenAI's own is the provider's name, any other has the
 * host behind it, without credentials or path.
 */
export function vendorTag(name: string, baseURL: string): string {
  const { host } = new URL(baseURL)
  return host === new URL(openAiAddress).host ? name : `${name}@${host}`
}

/** Returns the data that is marked with this tag. Undefined for what is another's. */
export function ownData(data: VendorData | undefined, vendor: string): JsonObject | undefined {
  return data?.provider === vendor ? data.data : undefined
}

/** Returns the id that a call came with from the service of this tag, or null. */
export function givenCallId(call: ToolCallPart, vendor: string): string | null {
  const { call_id, id } = ownData(call.vendor, vendor) ?? {}
  const given = call_id ?? id
  return typeof given === "string" && given !== "" ? given : null
}
