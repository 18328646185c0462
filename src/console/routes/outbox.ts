import { type OpenAPIHono, z } from "@hono/zod-openapi"
import type { MiddlewareHandler } from "hono"
import type { Outbox } from "../../core/ports/store/outbox.ts"
import type { HttpEnv } from "../../http/http-env.ts"
import { readBody, readQuery } from "../read-request.ts"

export type ConsoleOutbox = Pick<Outbox, "rows" | "retry" | "drop">

export interface OutboxRoutesOptions {
  readonly prefix: string
  readonly outbox: ConsoleOutbox
  readonly body: MiddlewareHandler<HttpEnv>
}

const pageSize = 100

const rowsQuery = z.strictObject({
  state: z.enum(["waiting", "dead"]).optional(),
  after: z.coerce.number().int().nonnegative().optional(),
})
const numbersSchema = z.strictObject({ numbers: z.array(z.int().nonnegative()).min(1).max(500) })

/**
 * Adds the routes of deliveries: items that sessions want delivered. Dead rows are retried or dropped by their
 * numbers.
 */
export function addOutboxRoutes(root: OpenAPIHono<HttpEnv>, options: OutboxRoutesOptions): void {
  const { prefix, outbox, body } = options

  root.get(`${prefix}/outbox`, async (c) => {
    const { state, after } = readQuery(c, rowsQuery)
    const items = await outbox.rows({
      ...(state !== undefined && { state }),
      ...(after !== undefined && { after }),
      limit: pageSize,
    })
    const last = items.at(-1)
    return c.json({ items, next: items.length < pageSize || last === undefined ? null : String(last.number) })
  })

  root.post(`${prefix}/outbox/retry`, body, async (c) => {
    const { numbers } = await readBody(c, numbersSchema)
    return c.json({ rows: await outbox.retry(numbers) })
  })

  root.post(`${prefix}/outbox/drop`, body, async (c) => {
    const { numbers } = await readBody(c, numbersSchema)
    return c.json({ rows: await outbox.drop({ numbers }) })
  })
}
