import type { ToolOrigin } from "../../../core/tools/tool-origin.ts"

/** The tool `deploy` of the server of that name. */
export function createOrigin(server: string, more: Partial<ToolOrigin> = {}): ToolOrigin {
  return { server, tool: "deploy", identity: `identity of ${server}`, digest: "digest", ...more }
}
