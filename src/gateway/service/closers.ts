import { toError } from "../../core/errors.ts"

/**
 * Stages in which a gateway closes: it stops its start and new requests, ends what it does regularly, lets runs end,
 * ends the readers of sessions, and closes everything else before the store.
 */
const stages = ["start", "intervals", "runs", "readers", "parts", "store"] as const

/** Closes a part. Runs may continue for `graceMs`. */
type Close = (graceMs: number) => unknown

/** The functions that close the opened parts of a gateway. */
export interface Closers {
  /** Registers a part, at any time before its stage. The parts of one stage close at the same time. */
  add(stage: (typeof stages)[number], close: Close): void
  /** Closes all parts, also after one that cannot close. Rejects with the errors of those at the end. */
  closeAll(graceMs: number): Promise<void>
}

export function createClosers(): Closers {
  const parts: { readonly stage: string; readonly close: Close }[] = []
  return {
    add: (stage, close) => void parts.push({ stage, close }),
    async closeAll(graceMs) {
      const errors: unknown[] = []
      for (const stage of stages) {
        const now = parts.filter((part) => part.stage === stage)
        const outcomes = await Promise.allSettled(now.map(async ({ close }) => close(graceMs)))
        errors.push(...outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : [])))
      }
      if (errors.length > 1)
        throw new AggregateError(errors, errors.map((error) => toError(error).message).join("; "))
      if (errors.length === 1) throw errors[0]
    },
  }
}
