import type { Wait } from "../../../core/ports/store/approvals.ts"

/** The reason for the end of a view. Only after `complete` and `parked` has the viewer seen all that there is. */
export type ViewEnd =
  /** The run has ended or, in a view of all runs, none is open or due. */
  | { readonly type: "complete" }
  /** The run can only wait for people or for the client. */
  | { readonly type: "parked"; readonly waits: readonly ParkedWait[] }
  /** The viewer has left. */
  | { readonly type: "left" }
  /** The process stops. */
  | { readonly type: "shutdown" }
  /** This process's hold on its sessions lapsed, so another process may have continued the session. */
  | { readonly type: "lapsed" }
  /** The session or the run no longer exists. */
  | { readonly type: "gone" }

/** A wait of the viewed session or of a sub-agent below it. */
export type ParkedWait = Wait & {
  /** The tool call of the viewed session that the wait holds up. */
  readonly rootToolCallId: string
}

/** The ends without details. Views share them, because there is a view for each idle subscriber. */
export const viewEnds = {
  complete: { type: "complete" },
  left: { type: "left" },
  shutdown: { type: "shutdown" },
  lapsed: { type: "lapsed" },
  gone: { type: "gone" },
} as const satisfies Record<string, ViewEnd>
