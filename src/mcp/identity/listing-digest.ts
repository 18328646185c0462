import type { Tool as ServerTool, Transport } from "@modelcontextprotocol/client"
import { isJsonObject, type JsonObject } from "../../core/json/json.ts"
import { isTooDeep } from "../nesting.ts"
import { digest } from "./digest.ts"

/**
 * The key under which the digest of a listed tool is kept. The SDK drops what it does not know from a tool, and so
 * would let it change unnoticed, but it leaves `_meta` alone. What a server sends under this key is replaced.
 */
const digestKey = "ai-agent-gateway/digest"

/**
 * Adds to each tool that the server lists from now on the digest of what it sent, before the SDK parses it. To be
 * called once a client is connected to the transport. For a trusted server, descriptions are left out of the digests.
 * Every response with `tools` counts as a listing, so that a server cannot avoid the digest by what it sends in
 * between.
 */
export function digestListings(transport: Transport, { trusted }: { readonly trusted: boolean }): void {
  const { onmessage } = transport
  transport.onmessage = (message, extra) => {
    const { tools } = "result" in message ? message.result : {}
    if (Array.isArray(tools)) for (const tool of tools) addDigest(tool, trusted)
    onmessage?.(message, extra)
  }
}

/**
 * Returns the digest that was added to the tool. Without one it is that of the tool as it is, or empty if that is too
 * deep.
 */
export function digestOf(tool: ServerTool): string {
  const added = tool._meta?.[digestKey]
  if (typeof added === "string") return added
  return isTooDeep(tool) ? "" : digest(tool as unknown as JsonObject)
}

/** Leaves alone what the SDK refuses, and what nests so deep that the tool is not offered. */
function addDigest(tool: unknown, trusted: boolean): void {
  if (!isJsonObject(tool) || isTooDeep(tool)) return
  const { _meta: meta = {}, description: _description, ...rest } = tool
  if (!isJsonObject(meta)) return
  const listed = trusted ? { ...rest, ...("_meta" in tool && { _meta: meta }) } : tool
  Object.assign(tool, { _meta: { ...meta, [digestKey]: digest(listed) } })
}
