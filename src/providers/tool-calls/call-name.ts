const longestName = 64

/**
 * The name of a call as every service takes it back, in whichever of its characters the model went wrong. A call
 * without a name gets one that no tool has, so that the model is told.
 */
export function callName(name: string): string {
  return name.replaceAll(/[^\w-]/g, "_").slice(0, longestName) || "unnamed_call"
}
