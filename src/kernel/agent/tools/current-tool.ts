import type { Tool } from "../../../core/ports/tools/tool.ts"
import { isSameOrigin, isSameServer, resolveOrigin } from "../../../core/tools/tool-origin.ts"
import type { ModelRunContext } from "../run-context.ts"
import type { CallState } from "./call-state.ts"

/** Returns the tool that has the call's name now. Servers may have changed their tools since the model's request. */
export function findCurrentTool({ runtime }: ModelRunContext, { requested }: CallState): Tool | undefined {
  return runtime.listTools().find(({ name }) => name === requested.name)
}

/** Returns true if the call is for this tool, and not for another one of the same name. */
export function isFor(call: CallState, tool: Tool): boolean {
  return isSameOrigin(call.origin, resolveOrigin(tool, call.input))
}

/**
 * Returns true if a person allowed this tool, by its origin and by the type of the call. `validated` is the input as
 * the tool's `validate` returned it.
 */
export function isAsApproved(call: CallState, tool: Tool, validated: unknown): boolean {
  if (!isFor(call, tool)) return false
  // A person who edits the arguments chooses the type. A type may also depend on more than the arguments.
  if (tool.qualifier === undefined || call.approval?.resolution.editedInput != null) return true
  try {
    return tool.qualifier(validated) === call.qualifier
  } catch {
    // The gate decides next, and denies calls whose type cannot be determined.
    return false
  }
}

/** Returns true if the call's name still identifies the tool that was validated and allowed. */
export function isStill(context: ModelRunContext, call: CallState, tool: Tool): boolean {
  const now = findCurrentTool(context, call)
  return now !== undefined && isSameOrigin(resolveOrigin(now, call.input), resolveOrigin(tool, call.input))
}

/** Returns the reason why the person who allowed the call is asked again. */
export function explainNewApproval(call: CallState, tool: Tool): string {
  const origin = resolveOrigin(tool, call.input)
  const next = "Check the call before you allow it again."
  if (origin === null) {
    return call.origin === null
      ? `The type of this call changed after it was allowed. ${next}`
      : `This call was allowed for a tool of another server. It would now run a local tool. ${next}`
  }
  const server = `the MCP server ${JSON.stringify(origin.server)}`
  return call.origin !== null && isSameServer(call.origin, origin)
    ? `After this call was allowed, ${server} changed the tool. ${next}`
    : `This call was allowed for another tool of that name. It would now run on ${server}. ${next}`
}
