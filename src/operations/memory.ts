import { z } from "zod"
import { omitUndefined } from "../core/defined-only.ts"
import { GatewayError } from "../core/errors.ts"
import type { Memory, MemoryScope } from "../core/ports/store/memory.ts"
import { defineOperation, type OperationCaller } from "./operation.ts"
import { createInvalidCursor, name, pageOf, paging, time } from "./schemas.ts"
import { applicationTenant, chooseTenant } from "./tenants.ts"

export type OperatedMemory = Pick<
  Memory,
  "owners" | "list" | "recall" | "forget" | "forgetNamed" | "forgetAll" | "erase"
>

const key = z.string().min(1).max(1_000)
const scope = {
  user: name.describe("Id of the user"),
  tenant: name.optional().describe("Tenant of the user (default: the operator's, otherwise app_default)"),
  agent: name
    .optional()
    .describe("An agent's own memories, if it has perAgent (default: those that agents share)"),
}

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

const forgotten = z.object({ forgotten: z.number() })

const ownerPosition = z.tuple([z.string(), z.string(), z.string().nullable()])
const keyPosition = z.tuple([z.string(), z.string()])

export const memoryOperations = {
  "memory.owners": defineOperation({
    summary: "List the users with memories",
    route: "GET /memory/owners",
    access: "read",
    tenant: "filter",
    problems: ["400 invalid_cursor", "403 tenant_restricted"],
    input: z.strictObject({ tenant: name.optional().describe("Only of this tenant"), ...paging }),
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
    input: z.strictObject({
      ...scope,
      query: z.string().max(1_000).optional().describe("Words to search for"),
      ...paging,
    }),
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
    summary: "Delete the memories of a user with this name, or one of them unless it has changed",
    route: "POST /memory/forget",
    access: "operate",
    tenant: "filter",
    problems: ["403 tenant_restricted", "404 memory_not_found", "409 memory_changed"],
    input: z
      .strictObject({
        ...scope,
        name: key,
        entityType: key.optional().describe("Only the memory of this type"),
        revision: key.optional().describe("Only this revision of it"),
      })
      .refine(({ entityType, revision }) => revision === undefined || entityType !== undefined, {
        path: ["revision"],
        error: "requires entityType",
      }),
    output: forgotten,
    async run(parts, { entityType, name, revision, ...given }, caller) {
      const owner = toScope(given, caller)
      if (entityType === undefined) {
        const count = await parts.memory().forgetNamed(owner, name)
        if (count === 0) throw createMemoryNotFound()
        return { forgotten: count }
      }
      const expected = revision === undefined ? {} : { expected: revision }
      const outcome = await parts.memory().forget(owner, { entityType, name }, expected)
      switch (outcome) {
        case "forgotten":
          return { forgotten: 1 }
        case "unknown":
          throw createMemoryNotFound()
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
  "memory.forgetAll": defineOperation({
    summary:
      "Delete all memories of a user, except those of single agents, and the kept requests of the user",
    route: "POST /memory/forget-all",
    access: "operate",
    tenant: "filter",
    problems: ["403 tenant_restricted"],
    input: z.strictObject(scope),
    output: forgotten,
    async run(parts, given, caller) {
      const memory = parts.memory()
      const owner = toScope(given, caller)
      await parts.forgetRequests(owner)
      const count = await memory.forgetAll(owner)
      await memory.erase?.()
      return { forgotten: count }
    },
  }),
}

function createMemoryNotFound(): GatewayError {
  return new GatewayError({ code: "memory_not_found", status: 404 }, "The user has no such memory.")
}

interface Owner {
  readonly tenant?: string | undefined
  readonly user: string
  readonly agent?: string | undefined
}

function toScope({ tenant, user, agent }: Owner, caller: OperationCaller): MemoryScope {
  return { tenant: chooseTenant(tenant, caller) ?? applicationTenant, userId: user, agent: agent ?? null }
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
