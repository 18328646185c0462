import { reportToParent, withdrawnOutcome } from "../../agent/children/tree-effects.ts"
import type { SessionParent } from "../../core/ports/session-log.ts"
import type { SessionWriter } from "../writing/writer.ts"
import type { Withdrawal } from "./inbox.ts"

/** Logs that queued runs were withdrawn, once each, whether a run is executed at that time or not. */
export class Withdrawals {
  readonly #writer: SessionWriter
  /** By command. A reading of the inbox that began before a commit may give its commands once more. */
  readonly #logged = new Map<number, Promise<unknown>>()

  constructor(writer: SessionWriter) {
    this.#writer = writer
  }

  /**
   * Begins to log the withdrawal, unless that has begun before. A failure is that of `settled`. If the session has a
   * parent, the call that the run was to work for learns of it.
   */
  log({ id, runId: withdrawnRunId, at }: Withdrawal, parent: SessionParent | null): void {
    if (this.#logged.has(id)) return
    const answer = { runId: withdrawnRunId, outcome: withdrawnOutcome, at }
    const outbox = parent === null ? [] : [reportToParent(parent, answer)]
    const effects = { consume: [id], outbox }
    const logging = this.#writer.appendFacts([{ type: "runWithdrawn", withdrawnRunId }], effects)
    this.#logged.set(id, logging)
    logging.catch(() => undefined)
  }

  /** Resolves when all of them are stored. Rejects when one cannot be. */
  async settled(): Promise<void> {
    await Promise.all(this.#logged.values())
  }
}
