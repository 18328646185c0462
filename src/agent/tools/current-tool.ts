import type { Tool } from "../../core/ports/tool.ts"
import { isSameOrigin, isSameServer, originOf } from "../../core/tool-origin.ts"
import type { ModelRunContext } from "../run-context.ts"
import type { CallState } from "./call-state.ts"

/**
 * Finds the tool that has the call's name at this moment. Servers may have changed theirs since the model was shown
 * them.
 */
export function findCurrentTool({ runtime }: ModelRunContext, { requested }: CallState): Tool | undefined {
  return runtime.tools.find(({ name }) => name === requested.name)
}

/** Returns true if the call is for this tool, rather than for another one of that name. */
export function isFor(call: CallState, tool: Tool): boolean {
  return isSameOrigin(call.origin, originOf(tool, call.input))
}

/**
 * Returns true if this tool is what a person allowed, by its origin and by the type of the call. `validated` is the
 * input as the tool's `validate` returned it.
 */
export function isAsApproved(call: CallState, tool: Tool, validated: unknown): boolean {
  if (!isFor(call, tool)) return false
  // A person who edits the arguments chooses the type. A type may also depend on more than the arguments.
  if (tool.qualifier === undefined || call.approval?.resolution.editedInput != null) return true
  try {
    return tool.qualifier(validated) === call.qualifier
  } catch {
    // The gate is asked next, and denies calls whose type cannot be found.
    return false
  }
}

/** Returns true if the call's name still stands for the tool that was validated and let through. */
export function isStill(context: ModelRunContext, call: CallState, tool: Tool): boolean {
  const now = findCurrentTool(context, call)
  return now !== undefined && isSameOrigin(originOf(now, call.input), originOf(tool, call.input))
}

/** Tells the person who allowed the call why they are asked about it again. */
export function reasonToAskAgain(call: CallState, tool: Tool): string {
  const origin = originOf(tool, call.input)
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
