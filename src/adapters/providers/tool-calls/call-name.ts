const longestName = 64

/**
 * Returns the name of a call in a form that every service accepts, whatever characters the model used. A call without
 * a name gets one that no tool has, so that the model receives an error.
 */
export function callName(name: string): string {
  return name.replaceAll(/[^\w-]/g, "_").slice(0, longestName) || "unnamed_call"
}
