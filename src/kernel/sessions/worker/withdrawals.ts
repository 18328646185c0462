import type { SessionParent } from "../../../core/ports/store/session-log.ts"
import { reportToParent, withdrawnOutcome } from "../../agent/children/tree-effects.ts"
import type { SessionWriter } from "../writing/writer.ts"
import type { Withdrawal } from "./inbox.ts"

/** Logs the withdrawals of queued runs, once each, even if no run is being executed. */
export class Withdrawals {
  readonly #writer: SessionWriter
  /**
   * The logged withdrawals, by command. A read of the inbox that started before a commit may return its commands
   * again.
   */
  readonly #logged = new Map<number, Promise<unknown>>()

  constructor(writer: SessionWriter) {
    this.#writer = writer
  }

  /**
   * Starts to log the withdrawal, unless that has started before. `settled` reports a failure. If the session has a
   * parent, the call that the run was to work for receives the withdrawal.
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

  /** Resolves when all of them are stored. Rejects if one cannot be stored. */
  async settled(): Promise<void> {
    if (this.#logged.size > 0) await Promise.all(this.#logged.values())
  }
}
