import type { Json } from "../../core/json/json.ts"
import type { TransportConfig } from "../config/server-config.ts"
import { digest } from "./digest.ts"

/**
 * Returns a hash of how the server is reached: its command, arguments and working directory, or its URL. The
 * environment and the headers are left out, because they hold keys that change.
 */
export function serverIdentity(transport: TransportConfig): string {
  return digest(reachedBy(transport))
}

function reachedBy(transport: TransportConfig): Json {
  if (transport.type !== "stdio") return { url: transport.url.href }
  const { command, args, cwd } = transport
  return { command, args, cwd }
}
