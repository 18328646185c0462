import { type OpenAPIHono, z } from "@hono/zod-openapi"
import type { MiddlewareHandler } from "hono"
import type { Memory, MemoryKey, MemoryScope } from "../../core/ports/store/memory.ts"
import type { HttpEnv } from "../../http/http-env.ts"
import { Problem } from "../../http/problem.ts"
import { readBody, readQuery } from "../read-request.ts"

export type ConsoleMemory = Pick<Memory, "owners" | "list" | "recall" | "forget">

export interface MemoryRoutesOptions {
  readonly prefix: string
  /** Throws a `ConfigurationError` if the store has no memories. */
  readonly memory: () => ConsoleMemory
  readonly body: MiddlewareHandler<HttpEnv>
}

const pageSize = 50
const name = z.string().min(1).max(256)
const key = z.string().min(1).max(1_000)
const scope = { tenant: name, user: name, agent: name.optional() }

const ownersQuery = z.strictObject({ after: z.string().max(4_000).optional() })
const memoriesQuery = z.strictObject({
  ...scope,
  query: z.string().max(1_000).optional(),
  after: z.string().max(4_000).optional(),
})
const forgetSchema = z.strictObject({ ...scope, entity_type: key, name: key, revision: key })

const ownerPosition = z.tuple([z.string(), z.string(), z.string().nullable()])
const keyPosition = z.tuple([z.string(), z.string()])

/** GET memory/owners, GET memory for the memories of one owner, and POST memory/forget. */
export function addMemoryRoutes(root: OpenAPIHono<HttpEnv>, options: MemoryRoutesOptions): void {
  const { prefix, memory, body } = options

  root.get(`${prefix}/memory/owners`, async (c) => {
    const { after } = readQuery(c, ownersQuery)
    const items = await memory().owners({
      ...(after !== undefined && { after: parseOwner(after) }),
      limit: pageSize,
    })
    const last = items.at(-1)
    const isLast = items.length < pageSize || last === undefined
    return c.json({ items, next: isLast ? null : format([last.tenant, last.userId, last.agent]) })
  })

  root.get(`${prefix}/memory`, async (c) => {
    const { query, after, ...owner } = readQuery(c, memoriesQuery)
    if (query !== undefined && query.trim() !== "") {
      const found = await memory().recall(toScope(owner), { text: query, limit: pageSize })
      return c.json({ items: found, next: null })
    }
    const { memories, next } = await memory().list(toScope(owner), {
      ...(after !== undefined && { after: parseKey(after) }),
      limit: pageSize,
    })
    return c.json({ items: memories, next: next === null ? null : format([next.entityType, next.name]) })
  })

  root.post(`${prefix}/memory/forget`, body, async (c) => {
    const { entity_type: entityType, name, revision, ...owner } = await readBody(c, forgetSchema)
    const outcome = await memory().forget(toScope(owner), { entityType, name }, { expected: revision })
    switch (outcome) {
      case "forgotten":
        return c.json({ status: "ok" })
      case "unknown":
        throw new Problem({ code: "memory_not_found", status: 404 }, "There is no such memory any more.")
      case "changed":
        throw new Problem(
          { code: "memory_changed", status: 409 },
          "The memory has changed since it was read. Read it again.",
        )
      default:
        return outcome satisfies never
    }
  })
}

interface OwnerFields {
  readonly tenant: string
  readonly user: string
  readonly agent?: string | undefined
}

function toScope({ tenant, user, agent }: OwnerFields): MemoryScope {
  return { tenant, userId: user, agent: agent ?? null }
}

function parseOwner(after: string): MemoryScope {
  const [tenant, userId, agent] = parse(after, ownerPosition)
  return { tenant, userId, agent }
}

function parseKey(after: string): MemoryKey {
  const [entityType, name] = parse(after, keyPosition)
  return { entityType, name }
}

/** Encodes a position. The page does not interpret it. */
function format(position: readonly (string | null)[]): string {
  return Buffer.from(JSON.stringify(position)).toString("base64url")
}

function parse<Position>(after: string, schema: z.ZodType<Position>): Position {
  try {
    return schema.parse(JSON.parse(Buffer.from(after, "base64url").toString()))
  } catch {
    throw new Problem({ code: "invalid_cursor", status: 400 }, "after must be the `next` of an earlier page.")
  }
}
