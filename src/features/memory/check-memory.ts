import { GatewayError } from "../../core/errors.ts"
import type { MemoryKey } from "../../core/ports/store/memory.ts"

/** Default type of memories. */
export const defaultEntityType = "note"

/** Maximum characters and number of the parts of one memory. */
export const memoryLimits = { name: 200, entityType: 64, tag: 64, tags: 16, query: 4_000 } as const

/** Returns the key without surrounding spaces. Throws `invalid_memory` if it cannot be stored. */
export function checkKey({ name, entityType = defaultEntityType }: Partial<MemoryKey>): MemoryKey {
  return {
    name: checkText("name", name ?? "", memoryLimits.name),
    entityType: checkText("entityType", entityType, memoryLimits.entityType),
  }
}

/** Returns the distinct tags without surrounding spaces. */
export function checkTags(tags: readonly string[]): readonly string[] {
  const checked = [...new Set(tags.map((tag) => checkText("tags", tag, memoryLimits.tag)))]
  if (checked.length <= memoryLimits.tags) return checked
  throw createInvalidMemory(`tags: at most ${memoryLimits.tags} tags are allowed.`)
}

/** Returns the content without surrounding blank lines and spaces. */
export function checkContent(content: string, maxBytes: number): string {
  const trimmed = content.trim()
  if (trimmed === "") throw createInvalidMemory("content: expected a text that is not empty.")
  const bytes = Buffer.byteLength(trimmed)
  if (bytes <= maxBytes) return trimmed
  throw createInvalidMemory(
    `content: has ${bytes} bytes, at most ${maxBytes} are allowed. Store the essential facts, or several memories.`,
  )
}

function checkText(field: string, text: string, maxLength: number): string {
  const trimmed = text.trim()
  if (trimmed === "") throw createInvalidMemory(`${field}: expected a text that is not empty.`)
  if (trimmed.length <= maxLength) return trimmed
  throw createInvalidMemory(`${field}: at most ${maxLength} characters are allowed.`)
}

function createInvalidMemory(message: string): GatewayError {
  return new GatewayError({ code: "invalid_memory", status: 422 }, message)
}
