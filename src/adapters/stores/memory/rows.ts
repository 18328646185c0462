import type { MemoryFilter, MemoryRecord, NewMemory } from "../../../core/ports/store/memory.ts"
import {
  escapeText,
  type Row,
  readInteger,
  readJson,
  readNullableText,
  readText,
  unescapeText,
} from "../rows/columns.ts"
import type { MemoryHead } from "./ranking.ts"
import { splitIntoTerms } from "./terms.ts"

/** Converts a row with the columns of `memoryColumns` into a memory. */
export function toMemory(row: Row): MemoryRecord {
  const sessionId = readNullableText(row, "session_id")
  return {
    ...readFiltered(row),
    name: unescapeText(readText(row, "name")),
    content: unescapeText(readText(row, "content")),
    origin: sessionId === null ? null : { sessionId, runId: readText(row, "run_id") },
    revision: `${readInteger(row, "id")}.${readInteger(row, "revision")}`,
    createdAt: readInteger(row, "created_at"),
    updatedAt: readInteger(row, "updated_at"),
    expiresAt: row.expires_at === null ? null : readInteger(row, "expires_at"),
  }
}

/** A head with the columns that filters use. */
export interface FilteredHead extends MemoryHead {
  readonly entityType: string
  readonly tags: readonly string[]
}

export function toHead(row: Row): FilteredHead {
  return {
    ...readFiltered(row),
    id: readInteger(row, "id"),
    name: unescapeText(readText(row, "name")),
    updatedAt: readInteger(row, "updated_at"),
  }
}

export function matchesFilter(
  memory: Pick<FilteredHead, "entityType" | "tags">,
  { entityType, tags = [] }: MemoryFilter,
): boolean {
  if (entityType !== undefined && memory.entityType !== entityType) return false
  return tags.every((tag) => memory.tags.includes(tag))
}

/** The values of a memory's columns that do not depend on stored data. */
export interface StoredColumns {
  readonly entityType: string
  readonly name: string
  readonly content: string
  readonly tags: string
  readonly sessionId: string | null
  readonly runId: string | null
  readonly bytes: number
  readonly vectorModel: string | null
  /** 32-bit floating-point numbers, lowest byte first. */
  readonly vector: Uint8Array | null
  readonly terms: readonly string[]
}

export function toStoredColumns({
  entityType,
  name,
  content,
  tags,
  origin,
  vector,
}: NewMemory): StoredColumns {
  return {
    entityType: escapeText(entityType),
    name: escapeText(name),
    content: escapeText(content),
    tags: JSON.stringify(tags),
    sessionId: origin?.sessionId ?? null,
    runId: origin?.runId ?? null,
    bytes: computeSize({ entityType, name, content, tags }),
    vectorModel: vector === null ? null : escapeText(vector.model),
    vector: vector === null ? null : toBytes(vector.values),
    terms: splitIntoTerms([name, entityType, content, ...tags].join("\n")),
  }
}

/** Returns the vector of a row. Its bytes may start at an odd address, where numbers cannot be read. */
export function readVector(row: Row): Float32Array {
  const { vector } = row
  if (!(vector instanceof Uint8Array)) return new Float32Array()
  return new Float32Array(Uint8Array.from(vector).buffer, 0, Math.floor(vector.byteLength / 4))
}

function toBytes(values: readonly number[]): Uint8Array {
  return new Uint8Array(Float32Array.from(values).buffer)
}

/** Returns the bytes that count against a bound. */
function computeSize({ entityType, name, content, tags }: MemoryRecordText): number {
  return [entityType, name, content, ...tags].reduce((bytes, each) => bytes + Buffer.byteLength(each), 0)
}

type MemoryRecordText = Pick<MemoryRecord, "entityType" | "name" | "content" | "tags">

function readFiltered(row: Row): Pick<FilteredHead, "entityType" | "tags"> {
  return { entityType: unescapeText(readText(row, "entity_type")), tags: readJson(row, "tags") }
}
