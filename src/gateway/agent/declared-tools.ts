import { UnusableSchemaError } from "../../core/errors.ts"
import type { ToolSpecification } from "../../core/ports/model/provider.ts"
import type { Session } from "../../core/ports/store/session-log.ts"
import type { SchemaCheck, SchemaCheckOptions } from "../../core/ports/tools/schema-check.ts"
import type { ClientToolRefusal } from "../../kernel/sessions/accept-message.ts"
import type { AgentServerOptions } from "../options/gateway-options.ts"

/** Returns true if the client of the session may declare the tool. */
export function allowsClientTool(
  allow: AgentServerOptions["allowClientTools"],
  tool: ToolSpecification,
  { session, byKeyHolder }: { readonly session: Session; readonly byKeyHolder: boolean },
): boolean {
  return typeof allow === "function" ? allow(tool, session) === true : (allow ?? byKeyHolder)
}

/** Returns the refusal of the first tool whose schema cannot be used. Null if all schemas can be used. */
export async function findUnusableTool(
  tools: readonly ToolSpecification[],
  { checkSchema, ...options }: SchemaCheckOptions & { readonly checkSchema: SchemaCheck },
): Promise<ClientToolRefusal | null> {
  for (const { name, inputSchema } of tools) {
    try {
      await checkSchema(inputSchema, {}, options)
    } catch (thrown) {
      if (!(thrown instanceof UnusableSchemaError)) throw thrown
      return { status: "unusable", tool: name, reason: thrown.message }
    }
  }
  return null
}
