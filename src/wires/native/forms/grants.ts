import type { z } from "@hono/zod-openapi"
import type { Grant } from "../../../core/ports/store/approvals.ts"
import type { grantsResponseSchema } from "../schemas/grants.ts"
import { toUnixSeconds } from "./content.ts"

export function toWireGrants(grants: readonly Grant[]): z.input<typeof grantsResponseSchema> {
  return {
    grants: grants.map(({ toolName, origin, qualifier, scope = "session", at }) => {
      const type = { tool_name: toolName, server: origin?.server ?? null, qualifier }
      return { ...type, scope, granted_at: toUnixSeconds(at) }
    }),
  }
}
