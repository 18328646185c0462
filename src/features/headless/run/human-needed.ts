import type { Wait } from "../../../core/ports/store/approvals.ts"
import type { HumanDecision, RunRequest } from "../runs.ts"
import { askInTerminal } from "./ask-in-terminal.ts"
import type { ResolvedRunOptions } from "./options.ts"

type HumanCallbacks = Pick<RunRequest, "onApproval" | "onElicitation" | "park">

export interface HumanNeeds extends HumanCallbacks {
  /** Returns the reason if a run was canceled because it needs a person. Null otherwise. */
  readonly failure: () => string | null
}

/** Converts the policy into callbacks. `cancel` ends the run for the policy `fail`. */
export function createHumanNeeds(
  { onHumanNeeded, approvedTools, onApproval, onElicitation }: ResolvedRunOptions,
  cancel: () => void,
): HumanNeeds {
  let failure: string | null = null
  const fail = <Answer>(wait: Wait): Promise<Answer> => {
    failure ??= describe(wait)
    cancel()
    // The question ends with the run.
    return new Promise(() => {})
  }
  const policy = { deny: {}, park: { park: true }, fail: { onApproval: fail, onElicitation: fail } } as const
  const chosen: HumanCallbacks = {
    ...(onHumanNeeded === "ask" ? askInTerminal() : policy[onHumanNeeded]),
    ...(onApproval !== undefined && { onApproval }),
    ...(onElicitation !== undefined && { onElicitation }),
  }
  return { ...addApproved(chosen, approvedTools), failure: () => failure }
}

/** Approves calls of these tools. All others are decided as before. */
function addApproved(chosen: HumanCallbacks, approvedTools: readonly string[]): HumanCallbacks {
  const { onApproval, park = false } = chosen
  if (approvedTools.length === 0) return chosen
  const approved = new Set(approvedTools)
  const otherwise = onApproval ?? (park ? () => null : () => denied)
  return {
    ...chosen,
    onApproval: (wait) => (approved.has(wait.toolName) ? { approved: true } : otherwise(wait)),
  }
}

const denied: HumanDecision = { approved: false, reason: "No one can be asked in this run." }

function describe(wait: Wait): string {
  const call = `a call of ${wait.toolName}`
  return wait.kind === "elicitation"
    ? `A person must answer a question of ${call}: ${wait.payload.question.message}`
    : `A person must approve ${call}.`
}
