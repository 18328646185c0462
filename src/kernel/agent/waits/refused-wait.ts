import type { WaitKind } from "../../../core/wait.ts"
import type { CallState } from "../tools/call-state.ts"

/** Maximum number of waits of each kind in one call. It stops a tool or a server that waits endlessly. */
const mostWaits: Readonly<Record<WaitKind, number>> = {
  // After that number, the model decides about a tool that keeps changing.
  approval: 10,
  clientTool: 10,
  elicitation: 10,
  child: 100,
  timer: 1_000,
}

/** A tool may not open this wait. The model receives the error as a failure of the tool. */
export class WaitRefused extends Error {
  readonly code: string

  constructor(
    code:
      | "invalid_question"
      | "invalid_wait"
      | "input_rounds_exceeded"
      | "too_many_waits"
      | "unknown_agent"
      | "too_deep"
      | "too_many_children"
      | "budget_exceeded"
      | "storage_full",
    message: string,
  ) {
    super(message)
    this.code = code
  }
}

/** Returns true if the call may not open another wait of this kind. */
export function hasOpenedMost({ waits }: CallState, kind: WaitKind): boolean {
  return waits[kind] >= mostWaits[kind]
}

/** Throws if the tool has waited too often in this call. */
export function refuseIfTooMany(call: CallState, kind: WaitKind): void {
  if (!hasOpenedMost(call, kind)) return
  if (kind === "elicitation") {
    const message = `The tool asked the user more than ${mostWaits.elicitation} times.`
    throw new WaitRefused("input_rounds_exceeded", message)
  }
  throw new WaitRefused("too_many_waits", `The tool waited more than ${mostWaits[kind]} times in one call.`)
}
