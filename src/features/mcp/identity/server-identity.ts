import type { Json } from "../../../core/json/json.ts"
import type { TransportConfig } from "../config/server-config.ts"
import { computeDigest } from "./digest.ts"

/**
 * Returns a hash of the server's address: its command, arguments and working directory, or its URL. It does not cover
 * the environment and the headers, because they contain keys that change.
 */
export function computeServerIdentity(transport: TransportConfig): string {
  return computeDigest(describeAddress(transport))
}

function describeAddress(transport: TransportConfig): Json {
  if (transport.type !== "stdio") return { url: transport.url.href }
  const { command, args, cwd } = transport
  return { command, args, cwd }
}
