import type { Outbox, OutboxRow } from "../../core/ports/store/outbox.ts"

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
/** Maximum rows that one statement changes. */
const slice = 500

/** Creates the operations on the outbox of a store that is opened at the first use. */
export function createOutbox(outbox: () => Promise<Outbox>): GatewayOutbox {
  return {
    async list({ limit = maxRows, ...filter } = {}) {
      return (await outbox()).rows({ ...filter, limit: Math.min(limit, maxRows) })
    },
    async retry(choice) {
      const rows = await outbox()
      if ("numbers" in choice) return changeInSlices(choice.numbers, (numbers) => rows.retry(numbers))
      return retryDead(rows, choice.kind)
    },
    async drop(choice) {
      const rows = await outbox()
      if ("numbers" in choice) return changeInSlices(choice.numbers, (numbers) => rows.drop({ numbers }))
      const dead = { limit: slice, ...(choice.kind === undefined ? {} : { kind: choice.kind }) }
      for (let dropped = 0; ; ) {
        const count = await rows.drop(dead)
        dropped += count
        if (count < slice) return dropped
      }
    },
  }
}

async function changeInSlices(
  numbers: readonly number[],
  change: (numbers: readonly number[]) => Promise<number>,
): Promise<number> {
  let changed = 0
  for (let from = 0; from < numbers.length; from += slice) {
    changed += await change(numbers.slice(from, from + slice))
  }
  return changed
}

/** Retries dead rows in the order of their numbers, so that it ends even if rows are dead again at once. */
async function retryDead(outbox: Outbox, kind: string | undefined): Promise<number> {
  const filter = { state: "dead", limit: slice, ...(kind === undefined ? {} : { kind }) } as const
  let retried = 0
  for (let after = 0; ; ) {
    const dead = await outbox.rows({ ...filter, after })
    const last = dead.at(-1)
    if (last === undefined) return retried
    retried += await outbox.retry(dead.map(({ number }) => number))
    after = last.number
  }
}
