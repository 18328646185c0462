import { z } from "zod"
import { omitUndefined } from "../core/defined-only.ts"
import { GatewayError } from "../core/errors.ts"
import type { Memory, MemoryScope } from "../core/ports/store/memory.ts"
import { defineOperation, type OperationCaller } from "./operation.ts"
import { createInvalidCursor, done, name, ok, pageOf, paging, time } from "./schemas.ts"
import { chooseTenant } from "./tenants.ts"

export type OperatedMemory = Pick<Memory, "owners" | "list" | "recall" | "forget">

const key = z.string().min(1).max(1_000)
const scope = { tenant: name, user: name, agent: name.optional() }

const owner = z.object({
  tenant: z.string(),
  userId: z.string(),
  /** Null for memories that all agents share. */
  agent: z.string().nullable(),
  count: z.number(),
  updatedAt: time,
})

const memory = z.object({
  entityType: z.string(),
  name: z.string(),
  content: z.string(),
  tags: z.array(z.string()),
  origin: z.object({ sessionId: z.string(), runId: z.string() }).nullable(),
  revision: z.string(),
  createdAt: time,
  updatedAt: time,
  expiresAt: time.nullable(),
})

const ownerPosition = z.tuple([z.string(), z.string(), z.string().nullable()])
const keyPosition = z.tuple([z.string(), z.string()])

export const memoryOperations = {
  "memory.owners": defineOperation({
    summary: "List the users with memories",
    route: "GET /memory/owners",
    access: "read",
    tenant: "filter",
    problems: ["400 invalid_cursor", "403 tenant_restricted"],
    input: z.strictObject({ tenant: name.optional(), ...paging }),
    output: pageOf(owner),
    async run(parts, { tenant, after, limit }, caller) {
      const [first, userId = "", agent = null] = after === undefined ? [] : parse(after, ownerPosition)
      const items = await parts.memory().owners(
        omitUndefined({
          limit,
          tenant: chooseTenant(tenant, caller),
          after: first === undefined ? undefined : { tenant: first, userId, agent },
        }),
      )
      const last = items.at(-1)
      const isLast = items.length < limit || last === undefined
      return { items: [...items], next: isLast ? null : format([last.tenant, last.userId, last.agent]) }
    },
  }),
  "memory.list": defineOperation({
    summary: "List or search the memories of a user",
    route: "GET /memory",
    access: "content",
    tenant: "filter",
    problems: ["400 invalid_cursor", "403 tenant_restricted"],
    input: z.strictObject({ ...scope, query: z.string().max(1_000).optional(), ...paging }),
    output: pageOf(memory),
    async run(parts, { query = "", after, limit, ...given }, caller) {
      const owner = toScope(given, caller)
      if (query.trim() !== "") {
        const found = await parts.memory().recall(owner, { text: query, limit })
        return { items: found.map(show), next: null }
      }
      const [entityType, position = ""] = after === undefined ? [] : parse(after, keyPosition)
      const place = entityType === undefined ? {} : { after: { entityType, name: position } }
      const { memories, next } = await parts.memory().list(owner, { limit, ...place })
      return { items: memories.map(show), next: next === null ? null : format([next.entityType, next.name]) }
    },
  }),
  "memory.forget": defineOperation({
    summary: "Delete a memory of a user, unless it has changed",
    route: "POST /memory/forget",
    access: "operate",
    tenant: "filter",
    problems: ["403 tenant_restricted", "404 memory_not_found", "409 memory_changed"],
    input: z.strictObject({ ...scope, entityType: key, name: key, revision: key }),
    output: done,
    async run(parts, { entityType, name, revision, ...given }, caller) {
      const memoryKey = { entityType, name }
      const outcome = await parts.memory().forget(toScope(given, caller), memoryKey, { expected: revision })
      switch (outcome) {
        case "forgotten":
          return ok
        case "unknown":
          throw new GatewayError(
            { code: "memory_not_found", status: 404 },
            "There is no such memory any more.",
          )
        case "changed":
          throw new GatewayError(
            { code: "memory_changed", status: 409 },
            "The memory has changed since it was read. Read it again.",
          )
        default:
          return outcome satisfies never
      }
    },
  }),
}

interface Owner {
  readonly tenant: string
  readonly user: string
  readonly agent?: string | undefined
}

function toScope({ tenant, user, agent }: Owner, caller: OperationCaller): MemoryScope {
  return { tenant: chooseTenant(tenant, caller) ?? tenant, userId: user, agent: agent ?? null }
}

function show<Shown extends { readonly tags: readonly string[] }>(record: Shown) {
  return { ...record, tags: [...record.tags] }
}

/** Encodes a position. Clients do not interpret it. */
function format(position: readonly (string | null)[]): string {
  return Buffer.from(JSON.stringify(position)).toString("base64url")
}

function parse<Position>(after: string, schema: z.ZodType<Position>): Position {
  try {
    return schema.parse(JSON.parse(Buffer.from(after, "base64url").toString()))
  } catch {
    throw createInvalidCursor()
  }
}
