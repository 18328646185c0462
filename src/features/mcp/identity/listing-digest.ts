import type { Tool as ServerTool, Transport } from "@modelcontextprotocol/client"
import { isJsonObject, type JsonObject } from "../../../core/json/json.ts"
import { isTooDeep } from "../nesting.ts"
import { computeDigest } from "./digest.ts"

/**
 * The key of a listed tool's digest. The SDK drops unknown members of a tool, so they could change unnoticed, but it
 * keeps `_meta`. A value that the server sends under this key is replaced.
 */
const digestKey = "ai-agent-gateway/digest"

/**
 * Adds the digest of the received data to each tool that the server lists from now on, before the SDK parses it. Must
 * be called after a client is connected to the transport. For a trusted server, digests do not cover descriptions.
 * Every response with `tools` counts as a listing, so that a server cannot avoid the digest.
 */
export function addListingDigests(transport: Transport, { trusted }: { readonly trusted: boolean }): void {
  const { onmessage } = transport
  transport.onmessage = (message, extra) => {
    const { tools } = "result" in message ? message.result : {}
    if (Array.isArray(tools)) for (const tool of tools) addDigest(tool, trusted)
    onmessage?.(message, extra)
  }
}

/**
 * Returns the digest that was added to the tool. Without one, returns the digest of the tool itself, or an empty text
 * if the tool is nested too deeply.
 */
export function readToolDigest(tool: ServerTool): string {
  const added = tool._meta?.[digestKey]
  if (typeof added === "string") return added
  return isTooDeep(tool) ? "" : computeDigest(tool as unknown as JsonObject)
}

/** Adds a digest. Skips tools that the SDK refuses, and tools that are nested too deeply to be offered. */
function addDigest(tool: unknown, trusted: boolean): void {
  if (!isJsonObject(tool) || isTooDeep(tool)) return
  const { _meta: meta = {}, description: _description, ...rest } = tool
  if (!isJsonObject(meta)) return
  const listed = trusted ? { ...rest, ...("_meta" in tool && { _meta: meta }) } : tool
  Object.assign(tool, { _meta: { ...meta, [digestKey]: computeDigest(listed) } })
}
