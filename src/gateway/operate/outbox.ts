import type { Outbox, OutboxRow } from "../../core/ports/store/outbox.ts"
import { changeRows } from "../../operations/outbox.ts"

/** Rows of the outbox: items that sessions want delivered, and items whose delivery failed. */
export interface GatewayOutbox {
  /** Lists rows with a number above `after` (default 0), in order: at most `limit` rows, or 1 000. */
  list(filter?: OutboxListFilter): Promise<readonly OutboxRow[]>
  /** Delivers dead rows again, with all attempts. Resolves to the number of rows. */
  retry(choice: ChosenRows): Promise<number>
  /** Deletes dead rows, or the rows with these numbers whatever their state is. Resolves to the number of rows. */
  drop(choice: ChosenRows): Promise<number>
}

export interface OutboxListFilter {
  readonly state?: OutboxRow["state"]
  readonly kind?: string
  readonly sessionId?: string
  readonly after?: number
  readonly limit?: number
}

/** Rows by their numbers, or all dead rows: of one kind, or of all. */
export type ChosenRows =
  | { readonly numbers: readonly number[] }
  | { readonly allDead: true; readonly kind?: string }

const maxRows = 1_000

/** Creates the operations on the outbox of a store that is opened at the first use. */
export function createOutbox(outbox: () => Promise<Outbox>): GatewayOutbox {
  return {
    async list({ limit = maxRows, ...filter } = {}) {
      return (await outbox()).rows({ ...filter, limit: Math.min(limit, maxRows) })
    },
    async retry(choice) {
      const rows = await outbox()
      return changeRows(rows, choice, (numbers) => rows.retry(numbers))
    },
    async drop(choice) {
      const rows = await outbox()
      return changeRows(rows, choice, (numbers) => rows.drop({ numbers }))
    },
  }
}
