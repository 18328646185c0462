import { ShuttingDownError } from "../../core/errors.ts"
import type { LiveEntry } from "../../core/log/entries.ts"
import type { ParkedWait } from "../../kernel/sessions/reading/view-end.ts"
import { isOfSubAgent, isProgress } from "../../kernel/sessions/tree/sub-agent.ts"
import type { Exchange } from "./context.ts"
import { createNotFound } from "./errors.ts"

export interface AwaitedRun {
  readonly sessionId: string
  readonly runId: string
  readonly cursor: number
  /** If true, the request itself started the run. */
  readonly isNewRun: boolean
}

/**
 * Shows the entries of a run until it has ended, or can only wait for people or for the client, or until `take` returns
 * true. Resolves to the open waits; empty if the run has not ended at a wait. Rejects if this process stops before
 * that. Deltas may be left out.
 */
export async function awaitRun(
  { c, parts }: Exchange,
  { sessionId, runId, cursor: afterSeq, isNewRun }: AwaitedRun,
  take: (entry: LiveEntry) => boolean,
): Promise<readonly ParkedWait[]> {
  const { principal } = c.get("caller")
  const { signal } = c.req.raw
  const options = { afterSeq, runId, principal, isNewRun, deltas: false, untilParked: {}, signal }
  const view = parts.sessions.viewTree(sessionId, options)[Symbol.asyncIterator]()
  try {
    for (;;) {
      const { done, value } = await view.next()
      if (done === true) {
        if (value.type === "parked") return value.waits
        if (value.type === "complete") return []
        throw value.type === "gone" ? createNotFound("The run was deleted.") : new ShuttingDownError()
      }
      if (isProgress(value) || isOfSubAgent(value)) continue
      for (const entry of value) if (take(entry)) return []
    }
  } finally {
    await view.return?.()
  }
}
