import type { JsonObject } from "../../core/json/json.ts"
import { memoryLimits } from "./check-memory.ts"

/** The routes of memory as OpenAPI 3.1 operations. */

const text = { type: "string" } as const
const nullableText = { type: ["string", "null"] } as const
const seconds = { type: "integer", description: "Seconds since the Unix epoch." } as const

const memory = {
  type: "object",
  required: [
    "name",
    "entity_type",
    "content",
    "tags",
    "session_id",
    "run_id",
    "created_at",
    "updated_at",
    "expires_at",
  ],
  properties: {
    name: text,
    entity_type: text,
    content: text,
    tags: { type: "array", items: text },
    session_id: { ...nullableText, description: "Session in which it was stored; null if code stored it." },
    run_id: nullableText,
    created_at: seconds,
    updated_at: seconds,
    expires_at: { type: ["integer", "null"], description: "Null if it does not expire." },
  },
} as const

const page = {
  type: "object",
  required: ["memories", "next"],
  properties: {
    memories: { type: "array", items: memory },
    next: { ...nullableText, description: "The `after` of the next page; null after the last one." },
  },
} as const

function describeParameter(name: string, description: string, schema: JsonObject): JsonObject {
  return { name, in: "query", required: false, description, schema }
}

function describeShortText(maxLength: number): JsonObject {
  return { type: "string", minLength: 1, maxLength }
}

function describeJson(description: string, schema: JsonObject): JsonObject {
  return { description, content: { "application/json": { schema } } }
}

function describeProblem(description: string): JsonObject {
  const schema = { $ref: "#/components/schemas/Problem" }
  return { description, content: { "application/problem+json": { schema } } }
}

export const listOperation: JsonObject = {
  operationId: "listMemories",
  summary: "The user's memories",
  description: "By type and name. With `query`, the most relevant ones, the best first, on one page.",
  tags: ["memory"],
  parameters: [
    describeParameter("query", "Words to look for.", { type: "string", maxLength: memoryLimits.query }),
    describeParameter(
      "entity_type",
      "Only memories of this type.",
      describeShortText(memoryLimits.entityType),
    ),
    describeParameter("tag", "Only memories with this tag.", describeShortText(memoryLimits.tag)),
    describeParameter("after", "The `next` of the previous page.", { type: "string", maxLength: 2_000 }),
    describeParameter("limit", "Maximum number of memories on the page.", {
      type: "integer",
      minimum: 1,
      maximum: 200,
      default: 50,
    }),
  ],
  responses: {
    200: describeJson("One page of the memories of the token's user.", page),
    400: describeProblem("`invalid_cursor`: `after` is not the `next` of a page."),
  },
}

export const removeOperation: JsonObject = {
  operationId: "forgetMemories",
  summary: "Forget memories of the user",
  description: "Without parameters, forgets all of them. They cannot be restored.",
  tags: ["memory"],
  parameters: [
    describeParameter("name", "Only memories with this name.", describeShortText(memoryLimits.name)),
    describeParameter(
      "entity_type",
      "Only the memory of this type. Needs `name`.",
      describeShortText(memoryLimits.entityType),
    ),
  ],
  responses: {
    200: describeJson("They are forgotten.", {
      type: "object",
      required: ["status", "forgotten"],
      properties: {
        status: { const: "ok" },
        forgotten: { type: "integer", description: "Number of memories." },
      },
    }),
    404: describeProblem(
      "`memory_not_found`: The user has no memory with this name, or with this name and type.",
    ),
  },
}
