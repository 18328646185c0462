import { z } from "zod"
import { GatewayError } from "../../core/errors.ts"
import type { PluginRequest, PluginRoute } from "../../core/ports/plugin-route.ts"
import type { MemoryKey } from "../../core/ports/store/memory.ts"
import type { Principal } from "../../core/ports/store/session-log.ts"
import { memoryLimits } from "./check-memory.ts"
import { createNotFoundError, type Memories } from "./memories.ts"
import { listOperation, removeOperation } from "./operations.ts"
import { toWireMemory } from "./wire-memory.ts"

const name = z.string().min(1).max(memoryLimits.name)
const entityType = z.string().min(1).max(memoryLimits.entityType)
const wholeNumber = z.string().regex(/^\d{1,4}$/, "expected a whole number")

// A misspelled parameter would list or delete all memories.
const listQuery = z.strictObject({
  query: z.string().max(memoryLimits.query).optional(),
  entity_type: entityType.optional(),
  tag: z.string().min(1).max(memoryLimits.tag).optional(),
  after: z.string().max(2_000).optional(),
  limit: wholeNumber.transform(Number).pipe(z.int().min(1).max(200)).optional(),
})
const removeQuery = z
  .strictObject({ name: name.optional(), entity_type: entityType.optional() })
  .refine((query) => query.name !== undefined || query.entity_type === undefined, {
    path: ["name"],
    message: "needed with entity_type",
  })

/** GET and DELETE /memory list and delete the memories of the caller's user. */
export function createMemoryRoutes(
  memoriesOf: (principal: Principal) => Memories,
): Readonly<Record<string, PluginRoute>> {
  return {
    "GET /memory": {
      access: "user",
      operation: listOperation,
      async handle({ principal, request, signal }) {
        const { query, entity_type, tag, after, limit } = parseQuery(listQuery, request)
        const memories = memoriesOf(principal)
        const filter = {
          ...(entity_type !== undefined && { entityType: entity_type }),
          ...(tag !== undefined && { tags: [tag] }),
          ...(limit !== undefined && { limit }),
        }
        if (query !== undefined) {
          const found = await memories.recall({ query, ...filter }, { signal })
          return Response.json({ memories: found.map(toWireMemory), next: null })
        }
        const position = after === undefined ? {} : { after: parsePosition(after) }
        const page = await memories.list({ ...filter, ...position })
        const next = page.next === null ? null : formatPosition(page.next)
        return Response.json({ memories: page.memories.map(toWireMemory), next })
      },
    },
    "DELETE /memory": {
      access: "user",
      operation: removeOperation,
      async handle({ principal, request }) {
        const { name: forgotten, entity_type } = parseQuery(removeQuery, request)
        const memories = memoriesOf(principal)
        if (forgotten === undefined) return createDoneResponse(await memories.forgetAll())
        const type = entity_type === undefined ? {} : { entityType: entity_type }
        const count = await memories.forget({ name: forgotten, ...type })
        if (count === 0) throw createNotFoundError()
        return createDoneResponse(count)
      },
    },
  }
}

function createDoneResponse(forgotten: number): Response {
  return Response.json({ status: "ok", forgotten })
}

function parseQuery<Schema extends z.ZodType>(
  schema: Schema,
  { url }: PluginRequest["request"],
): z.output<Schema> {
  const parameters = [...new URL(url).searchParams]
  const names = parameters.map(([parameter]) => parameter)
  const twice = names.find((each, index) => names.indexOf(each) !== index)
  if (twice !== undefined) throw createInvalidQuery(`${twice}: given more than once`)
  const { success, data, error } = schema.safeParse(Object.fromEntries(parameters))
  if (success) return data
  throw createInvalidQuery(error.issues.map(({ path, message }) => [...path, message].join(": ")).join("; "))
}

function createInvalidQuery(problem: string): GatewayError {
  return new GatewayError({ code: "invalid_body", status: 422 }, `The query is invalid. ${problem}.`)
}

/** Formats a position, which is opaque for clients. */
function formatPosition({ entityType: type, name: last }: MemoryKey): string {
  return Buffer.from(JSON.stringify([type, last])).toString("base64url")
}

const position = z.tuple([z.string(), z.string()])

function parsePosition(after: string): MemoryKey {
  try {
    const [type, last] = position.parse(JSON.parse(Buffer.from(after, "base64url").toString()))
    return { entityType: type, name: last }
  } catch {
    throw new GatewayError(
      { code: "invalid_cursor", status: 400 },
      "after must be the `next` of an earlier page.",
    )
  }
}
