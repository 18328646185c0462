import type { Wait } from "../../core/ports/store/approvals.ts"

/**
 * Returns a function that asks a person about each wait once. Later calls for the same wait resolve to the same answer,
 * so a question that was shown during a run is not shown again after its end.
 */
export function askOnce<Answer>(
  ask: ((wait: Wait) => Answer | Promise<Answer>) | undefined,
): ((wait: Wait) => Promise<Answer>) | undefined {
  if (ask === undefined) return undefined
  const answers = new Map<string, Promise<Answer>>()
  return (wait) => {
    const known = answers.get(wait.waitId)
    if (known !== undefined) return known
    const asked = (async () => ask(wait))()
    answers.set(wait.waitId, asked)
    return asked
  }
}
