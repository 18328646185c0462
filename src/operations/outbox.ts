import { z } from "zod"
import { omitUndefined } from "../core/defined-only.ts"
import type { Outbox } from "../core/ports/store/outbox.ts"
import { defineOperation, type OperationCaller } from "./operation.ts"
import { pageOf, time } from "./schemas.ts"

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

const chosen = z.strictObject({ numbers: z.array(z.int().nonnegative()).min(1).max(500) })
const changed = z.object({ rows: z.number() })

export const outboxOperations = {
  "outbox.list": defineOperation({
    summary: "List the items that sessions want delivered",
    route: "GET /outbox",
    access: "read",
    tenant: "filter",
    input: z.strictObject({
      state: z.enum(["waiting", "dead"]).optional(),
      kind: z.string().max(256).optional(),
      after: z.coerce.number().int().nonnegative().optional(),
      limit: z.coerce.number().int().min(1).max(200).default(100),
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
    summary: "Deliver dead items again",
    route: "POST /outbox/retry",
    access: "operate",
    tenant: "byId",
    input: chosen,
    output: changed,
    run: async ({ outbox }, { numbers }, caller) => {
      return { rows: await outbox.retry(await selectOwn(outbox, numbers, caller)) }
    },
  }),
  "outbox.drop": defineOperation({
    summary: "Delete items, whatever their state is",
    route: "POST /outbox/drop",
    access: "operate",
    tenant: "byId",
    input: chosen,
    output: changed,
    run: async ({ outbox }, { numbers }, caller) => {
      return { rows: await outbox.drop({ numbers: await selectOwn(outbox, numbers, caller) }) }
    },
  }),
}

/** Returns the numbers of rows that the caller may see. */
async function selectOwn(
  outbox: OperatedOutbox,
  numbers: readonly number[],
  { tenant }: OperationCaller,
): Promise<readonly number[]> {
  if (tenant === null) return numbers
  const found = await Promise.all(
    numbers.map((number) => outbox.rows({ tenant, after: number - 1, limit: 1 })),
  )
  return numbers.filter((number, index) => found[index]?.[0]?.number === number)
}
