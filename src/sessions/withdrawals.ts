import type { Withdrawal } from "./inbox.ts"
import type { SessionWriter } from "./writer.ts"

/** Logs that queued runs were withdrawn, once each, whether a run is executed at that time or not. */
export class Withdrawals {
  readonly #writer: SessionWriter
  /** By command. A reading of the inbox that began before a commit may give its commands once more. */
  readonly #logged = new Map<number, Promise<unknown>>()

  constructor(writer: SessionWriter) {
    this.#writer = writer
  }

  /** Begins to log the withdrawal, unless that has begun before. A failure is that of `settled`. */
  log({ id, runId: withdrawnRunId }: Withdrawal): void {
    if (this.#logged.has(id)) return
    const logging = this.#writer.appendFacts([{ type: "runWithdrawn", withdrawnRunId }], { consume: [id] })
    this.#logged.set(id, logging)
    logging.catch(() => undefined)
  }

  /** Resolves when all of them are stored. Rejects when one cannot be. */
  async settled(): Promise<void> {
    await Promise.all(this.#logged.values())
  }
}
