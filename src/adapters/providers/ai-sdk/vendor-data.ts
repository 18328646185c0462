import type { SharedV4ProviderMetadata } from "@ai-sdk/provider"
import type { VendorData } from "../../../core/history/messages.ts"
import { isJsonObject, type Json, type JsonObject } from "../../../core/json/json.ts"

/** Data of a model's parts that later calls send back, under the name of the provider. */
export interface Keepsake {
  /** Id of the call. */
  readonly id?: string
  /** The provider's own metadata, which is sent back as `providerOptions`. */
  readonly metadata?: SharedV4ProviderMetadata | undefined
  /** A part that is sent back as a whole. */
  readonly part?: object
}

export function createVendorData(provider: string, keepsake: Keepsake): VendorData {
  return { provider, data: toJson(keepsake) }
}

/** Returns the vendor data of a part. Returns none for a part without such data. */
export function keep(provider: string, keepsake: Keepsake): { readonly vendor?: VendorData } {
  const vendor = createVendorData(provider, keepsake)
  return Object.keys(vendor.data).length === 0 ? {} : { vendor }
}

/** Returns the data of this provider. Null for data of another provider. */
export function readKept(provider: string, vendor: VendorData | undefined): Keepsake | null {
  return vendor?.provider === provider ? (vendor.data as Keepsake) : null
}

/** Converts a value to JSON without undefined fields. Bytes become base64. */
function toJson(value: object): JsonObject {
  const json: Json = JSON.parse(
    JSON.stringify(value, (_, part) =>
      part instanceof Uint8Array ? Buffer.from(part).toString("base64") : part,
    ),
  )
  return isJsonObject(json) ? json : {}
}
