import type { Cost, Usage } from "../usage.ts"

export interface RunFacts {
  readonly usage: Usage
  readonly cost: Cost
  readonly toolsUsed: readonly string[]
}

const maxTools = 8

/** Returns the lines about usage and tools of a run's summary for people. */
export function formatRunFacts({ usage, cost, toolsUsed }: RunFacts): readonly string[] {
  const price = cost === null ? "unknown" : `$${cost.toFixed(4)}`
  const more = toolsUsed.length - maxTools
  const names = toolsUsed.slice(0, maxTools).join(", ") || "none"
  return [
    `Usage: in=${usage.inputTokens} out=${usage.outputTokens} cost=${price}`,
    `Tools: ${names}${more > 0 ? `, … (+${more})` : ""}`,
  ]
}
