import { createHash } from "node:crypto"
import { z } from "zod"
import { toError } from "../../../core/errors.ts"
import type { MemoryKey } from "../../../core/ports/store/memory.ts"
import { checkKey, checkTags, defaultEntityType } from "../check-memory.ts"

/** A memory in the form of a file. */
export interface EntityText extends MemoryKey {
  readonly content: string
  readonly tags: readonly string[]
}

const headerStart = "<!-- gateway-memory:"
const headerEnd = "-->"
const conflictMark = ".conflict-"

const header = z.object({
  name: z.string().optional(),
  entity_type: z.string().optional(),
  tags: z.array(z.string()).optional(),
})

export function renderEntity({ name, entityType, tags, content }: EntityText): string {
  // The end of the comment inside the JSON would end the header.
  const json = JSON.stringify({ entity_type: entityType, name, tags }).replaceAll(">", "\\u003e")
  return `${headerStart} ${json} ${headerEnd}\n\n${content}\n`
}

/**
 * Parses a file. Without a header, the name of the file is the name of the memory, and its folder is the type.
 * Returns the problem as a text if the file contains no memory.
 */
export function parseEntity(text: string, path: string): EntityText | string {
  const [, folder = defaultEntityType, stem = ""] = /^(?:(.*)\/)?(.*)\.md$/.exec(path) ?? []
  const end = text.indexOf("\n")
  const first = (end === -1 ? text : text.slice(0, end)).trim()
  try {
    if (!first.startsWith(headerStart)) {
      return { ...checkKey({ name: stem, entityType: folder }), tags: [], content: text.trim() }
    }
    if (!first.endsWith(headerEnd)) return "its header is not one line"
    const json = first.slice(headerStart.length, -headerEnd.length)
    const { name = stem, entity_type: entityType = folder, tags = [] } = header.parse(JSON.parse(json))
    const content = end === -1 ? "" : text.slice(end).trim()
    return { ...checkKey({ name, entityType }), tags: checkTags(tags), content }
  } catch (error) {
    return `its header cannot be used: ${toError(error).message}`
  }
}

/** Returns the same text for memories with the same content. */
export function computeEntityDigest({ content, tags }: Pick<EntityText, "content" | "tags">): string {
  return computeSha256(JSON.stringify([content.trim(), [...tags].sort()]))
}

export function computeSha256(text: string | Uint8Array): string {
  return createHash("sha256").update(text).digest("hex")
}

/**
 * Returns the path of a memory's file. No text can lead out of the folder. Two memories never have the same path,
 * even if names differ only in case or in characters that file names cannot contain.
 */
export function toEntityPath(key: MemoryKey): string {
  const file = toSegment(key.name, JSON.stringify([key.entityType, key.name]))
  return `${toSegment(key.entityType, key.entityType)}/${file}.md`
}

const plain = /^[\p{Ll}\p{Lo}\p{N}](?:[\p{Ll}\p{Lo}\p{N}_-]*[\p{Ll}\p{Lo}\p{N}])?$/u
/** Names of devices on Windows. */
const reserved = /^(con|prn|aux|nul|com\d|lpt\d)$/
const maxSegmentBytes = 80

function toSegment(text: string, identity: string): string {
  const isPlain =
    plain.test(text) &&
    !reserved.test(text) &&
    text === text.normalize("NFC") &&
    Buffer.byteLength(text) <= maxSegmentBytes
  if (isPlain) return text
  const words = text
    .normalize("NFC")
    .toLowerCase()
    .replaceAll(/[^\p{Ll}\p{Lo}\p{N}]+/gu, "-")
  const short = Buffer.from(words)
    .subarray(0, maxSegmentBytes)
    .toString()
    .replaceAll(/^-+|[-\ufffd]+$/g, "")
  return `${short === "" ? "memory" : short}-${computeSha256(identity).slice(0, 8)}`
}

/** Returns the path beside a file for the other side of a conflict. */
export function toConflictPath(path: string, digest: string | null): string {
  return path.replace(/\.md$/, `${conflictMark}${digest === null ? "forgotten" : digest.slice(0, 8)}.md`)
}

export function isConflictOf(path: string, candidate: string): boolean {
  return candidate.startsWith(path.replace(/\.md$/, conflictMark))
}

export function isConflictPath(path: string): boolean {
  return path.includes(conflictMark)
}
