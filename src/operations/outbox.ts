import { z } from "zod"
import { omitUndefined } from "../core/defined-only.ts"
import type { Outbox } from "../core/ports/store/outbox.ts"
import { defineOperation } from "./operation.ts"
import { id, pageOf, paging, time } from "./schemas.ts"

export type OperatedOutbox = Pick<Outbox, "rows" | "retry" | "drop">

const row = z.object({
  number: z.number(),
  id: z.string(),
  sessionId: z.string(),
  kind: z.string(),
  /** Beginning of the payload. Absent without the scope `content`, as is the last error. */
  preview: z.string().optional(),
  bytes: z.number(),
  state: z.enum(["waiting", "dead"]),
  attempts: z.number(),
  lastError: z.string().nullable().optional(),
  createdAt: time,
  dueAt: time.nullable(),
  diedAt: time.nullable(),
})

const chosen = z
  .strictObject({
    numbers: z.array(z.int().nonnegative()).min(1).max(500).optional(),
    allDead: z.literal(true).optional().describe("All dead rows"),
    kind: z.string().max(256).optional().describe("Only rows of this kind"),
  })
  .refine(({ numbers, allDead }) => (numbers === undefined) !== (allDead === undefined), {
    error: "give the numbers of rows, or choose all dead rows",
  })
  .refine(({ allDead, kind }) => kind === undefined || allDead === true, {
    path: ["kind"],
    error: "goes with all dead rows",
  })
const changed = z.object({ rows: z.number() })

export const outboxOperations = {
  "outbox.list": defineOperation({
    summary: "List the items that sessions want delivered",
    route: "GET /outbox",
    access: "read",
    tenant: "filter",
    input: z.strictObject({
      state: z.enum(["waiting", "dead"]).optional(),
      kind: z.string().max(256).optional().describe("Only rows of this kind"),
      sessionId: id.optional().describe("Only rows of this session"),
      after: z.coerce.number().int().nonnegative().optional().describe("Only rows with a higher number"),
      limit: paging.limit,
    }),
    output: pageOf(row),
    async run({ outbox }, filter, { tenant, scopes }) {
      const items = await outbox.rows(omitUndefined({ ...filter, tenant: tenant ?? undefined }))
      const last = items.at(-1)
      const next = items.length < filter.limit || last === undefined ? null : String(last.number)
      if (scopes.includes("content")) return { items: [...items], next }
      return { items: items.map(({ preview, lastError, ...facts }) => facts), next }
    },
  }),
  "outbox.retry": defineOperation({
    summary: "Deliver dead items again, with all attempts",
    route: "POST /outbox/retry",
    access: "operate",
    tenant: "byId",
    input: chosen,
    output: changed,
    run: async ({ outbox }, chosen, { tenant }) => {
      return { rows: await changeRows(outbox, chosen, (numbers) => outbox.retry(numbers), tenant) }
    },
  }),
  "outbox.drop": defineOperation({
    summary: "Delete items by their numbers, whatever their state is, or all dead ones",
    route: "POST /outbox/drop",
    access: "operate",
    tenant: "byId",
    input: chosen,
    output: changed,
    run: async ({ outbox }, chosen, { tenant }) => {
      return { rows: await changeRows(outbox, chosen, (numbers) => outbox.drop({ numbers }), tenant) }
    },
  }),
}

/** Rows by their numbers, or all dead rows: of one kind, or of all. */
interface ChosenRows {
  readonly numbers?: readonly number[] | undefined
  readonly kind?: string | undefined
}

/** Maximum rows that one statement changes. */
const slice = 500

/**
 * Changes the rows that are chosen and belong to the tenant, or to any for null. Reads dead rows in the order of their
 * numbers, so that it ends even if rows are dead again at once. Resolves to the number of rows.
 */
async function changeRows(
  outbox: Pick<OperatedOutbox, "rows">,
  { numbers, kind }: ChosenRows,
  change: (numbers: readonly number[]) => Promise<number>,
  tenant: string | null,
): Promise<number> {
  let changed = 0
  if (numbers !== undefined) {
    const own = await selectOwn(outbox, numbers, tenant)
    for (let from = 0; from < own.length; from += slice)
      changed += await change(own.slice(from, from + slice))
    return changed
  }
  const filter = omitUndefined({ state: "dead" as const, limit: slice, kind, tenant: tenant ?? undefined })
  for (let after = 0; ; ) {
    const dead = await outbox.rows({ ...filter, after })
    const last = dead.at(-1)
    if (last === undefined) return changed
    changed += await change(dead.map(({ number }) => number))
    after = last.number
  }
}

/** Returns the numbers of rows of the tenant. */
async function selectOwn(
  outbox: Pick<OperatedOutbox, "rows">,
  numbers: readonly number[],
  tenant: string | null,
): Promise<readonly number[]> {
  if (tenant === null) return numbers
  const found = await Promise.all(
    numbers.map((number) => outbox.rows({ tenant, after: number - 1, limit: 1 })),
  )
  return numbers.filter((number, index) => found[index]?.[0]?.number === number)
}
