import { isJsonObject, type JsonObject } from "../../../core/json/json.ts"
import type { RunStarted } from "../../../core/log/entries.ts"
import type { Usage } from "../../../core/usage.ts"
import { countTokens } from "../count-tokens.ts"
import { formatResponseId, type ResponsePlace } from "../ids.ts"
import type { Item } from "./items.ts"

/** Members of a request that the response repeats. They are stored in the context of its run. */
export interface RequestFacts {
  readonly model: string
  readonly metadata: Readonly<Record<string, string>>
  readonly background: boolean
  readonly previous_response_id: string | null
  readonly conversation: string | null
}

/** Member of a run's context with the facts of its request. */
const member = "openai"

export function toRunContext(facts: RequestFacts): JsonObject {
  return { [member]: { ...facts } }
}

function readFacts({ agent, context }: Pick<RunStarted, "agent" | "context">): RequestFacts {
  const { model, metadata, background, previous_response_id, conversation } = isJsonObject(context[member])
    ? context[member]
    : {}
  return {
    model: typeof model === "string" ? model : agent,
    // This wire wrote it.
    metadata: isJsonObject(metadata) ? (metadata as Record<string, string>) : {},
    background: background === true,
    previous_response_id: typeof previous_response_id === "string" ? previous_response_id : null,
    conversation: typeof conversation === "string" ? conversation : null,
  }
}

export type ResponseStatus = "queued" | "in_progress" | "completed" | "incomplete" | "failed" | "cancelled"

export interface ResponseParts {
  readonly place: ResponsePlace
  readonly started: Pick<RunStarted, "agent" | "context" | "outputSchema" | "instructions" | "clientTools">
  /** The segment of the run that precedes this one. Null for the first response. Absent for a run's first segment. */
  readonly previousSegment?: string | null
  /** Seconds since the Unix epoch. */
  readonly createdAt: number
  readonly completedAt: number | null
  readonly status: ResponseStatus
  readonly output: readonly Item[]
  /** Null while the response is not complete. */
  readonly usage: Usage | null
  readonly error?: { readonly code: string; readonly message: string } | null
  readonly incompleteReason?: string | null
}

/** Members of a request that the gateway ignores, with the values that the API has without them. */
const ignoredMembers = {
  max_output_tokens: null,
  max_tool_calls: null,
  parallel_tool_calls: true,
  prompt_cache_key: null,
  reasoning: { effort: null, summary: null },
  safety_identifier: null,
  service_tier: "default",
  temperature: 1,
  tool_choice: "auto",
  top_p: 1,
  top_logprobs: 0,
  presence_penalty: 0,
  frequency_penalty: 0,
  truncation: "disabled",
  user: null,
}

/** A response as clients receive it. It has every required member of the API's schema. */
export function createResponse(parts: ResponseParts): JsonObject {
  const {
    place,
    started,
    previousSegment,
    status,
    output,
    usage,
    error = null,
    incompleteReason = null,
  } = parts
  const facts = readFacts(started)
  const texts = output.flatMap((item) =>
    item.type === "message" ? item.content.map(({ text }) => text) : [],
  )
  const response = {
    ...ignoredMembers,
    id: formatResponseId(place),
    object: "response",
    created_at: parts.createdAt,
    completed_at: parts.completedAt,
    status,
    background: facts.background,
    error,
    incomplete_details: incompleteReason === null ? null : { reason: incompleteReason },
    instructions: started.instructions ?? null,
    model: facts.model,
    output,
    output_text: texts.join(""),
    previous_response_id:
      previousSegment === undefined
        ? facts.previous_response_id
        : formatResponseId({ ...place, segment: previousSegment }),
    conversation: facts.conversation === null ? null : { id: facts.conversation },
    store: place.isStored,
    text: { format: describeFormat(started.outputSchema) },
    tools: (started.clientTools ?? []).map(({ name, description, inputSchema }) => {
      return { type: "function", name, description, parameters: inputSchema, strict: null }
    }),
    usage: usage === null ? null : toResponseUsage(usage),
    metadata: facts.metadata,
  }
  // Every member is JSON, which the types of items do not say.
  return response as unknown as JsonObject
}

function describeFormat(schema: JsonObject | null): JsonObject {
  if (schema === null) return { type: "text" }
  return { type: "json_schema", name: "output", schema, strict: false, description: null }
}

function toResponseUsage(usage: Usage): JsonObject {
  const { input, output, total, reasoning } = countTokens(usage)
  return {
    input_tokens: input,
    input_tokens_details: {
      cached_tokens: usage.cacheReadInputTokens,
      cache_write_tokens: usage.cacheCreationInputTokens,
    },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: reasoning },
    total_tokens: total,
  }
}
