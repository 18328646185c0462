import { GatewayError, toError } from "../../../core/errors.ts"
import type { MemoryKey, MemoryRecord } from "../../../core/ports/store/memory.ts"
import type { Memories } from "../memories.ts"
import { decide } from "./decide.ts"
import {
  computeEntityDigest,
  type EntityText,
  isConflictOf,
  isConflictPath,
  parseEntity,
  renderEntity,
  toConflictPath,
  toEntityPath,
} from "./entity-file.ts"
import { type FoundFile, listFiles, readBounded, recoverFiles, removeFile, replaceFile } from "./folder.ts"
import { createReport, type OpenReport, type SyncReport } from "./report.ts"
import { loadSyncState, type SyncedMemory, saveSyncState } from "./sync-state.ts"

export interface SynchronizeOptions {
  readonly memories: Memories
  /** Path of the folder with all links resolved. The caller holds the folder's lock. */
  readonly root: string
  readonly signal: AbortSignal
}

/** Maximum bytes of a file: the largest content, and its header. */
const maxFileBytes = 64_000 + 8_000
const pageSize = 200

interface Entity {
  readonly key: MemoryKey
  readonly file: (FoundFile & { readonly entity: EntityText }) | null
  readonly stored: MemoryRecord | null
  readonly synced: SyncedMemory | null
}

/** Compares the files with the stored memories, and copies changes of one side to the other. */
export async function synchronize({ memories, root, signal }: SynchronizeOptions): Promise<SyncReport> {
  const report = createReport()
  const state = await loadSyncState(root)
  for (const path of await recoverFiles(root, (file, text) => isBase(state.memories, file, text))) {
    report.problems.push({ path, problem: "an edit was found after a crash and is kept in this file" })
  }
  const paths = await listFiles(root)
  const blocked = new Set<string>()
  const files = await readFiles(root, paths, { state: state.memories, report, blocked })
  const stored = await readStoredMemories(memories)
  const synced = new Map(state.memories.map((memory) => [toId(memory), memory]))
  const next: SyncedMemory[] = []
  for (const id of new Set([...files.keys(), ...stored.keys(), ...synced.keys()])) {
    const former = synced.get(id) ?? null
    if (signal.aborted || blocked.has(id)) {
      if (former !== null) next.push(former)
      continue
    }
    const file = files.get(id) ?? null
    const key = file?.entity ?? stored.get(id) ?? former
    if (key === null) continue
    const entity: Entity = { key, file, stored: stored.get(id) ?? null, synced: former }
    const result = await syncOne(entity, { memories, root, paths, report })
    if (result !== null) next.push(result)
  }
  // The state is saved even after an abort, because copied changes must not look like new ones.
  if (JSON.stringify(next) !== JSON.stringify(state.memories)) await saveSyncState(root, next, state)
  signal.throwIfAborted()
  return report
}

function isBase(memories: readonly SyncedMemory[], path: string, text: string): boolean {
  const entity = parseEntity(text, path)
  if (typeof entity === "string") return false
  return memories.some((memory) => memory.path === path && memory.base === computeEntityDigest(entity))
}

interface OneParts {
  readonly memories: Memories
  readonly root: string
  readonly paths: readonly string[]
  readonly report: OpenReport
}

/** Returns the memory's next state. Null if it no longer exists on either side. */
async function syncOne(entity: Entity, parts: OneParts): Promise<SyncedMemory | null> {
  const { key, file, stored, synced } = entity
  const path = file?.path ?? synced?.path ?? freePath(key, parts.paths)
  try {
    return await act(entity, path, parts)
  } catch (error) {
    const { message } = toError(error)
    const isLate = error instanceof GatewayError && error.code === "memory_changed"
    parts.report.problems.push({
      path,
      problem: isLate ? "the stored memory changed during the synchronization" : message,
    })
    if (synced !== null) return synced
    return file !== null && stored !== null ? { ...nameOf(key), path, base: null } : null
  }
}

async function act(entity: Entity, path: string, parts: OneParts): Promise<SyncedMemory | null> {
  const { key, file, stored, synced } = entity
  const { memories, root, paths, report } = parts
  const sides = {
    base: synced?.base ?? null,
    file: file === null ? null : computeEntityDigest(file.entity),
    stored: stored === null ? null : computeEntityDigest(stored),
  }
  const createSynced = (base: string | null): SyncedMemory => ({ ...nameOf(key), path, base })
  const isOpen = synced?.conflict !== undefined && paths.some((each) => isConflictOf(path, each))
  if (isOpen && sides.file !== sides.stored) return keepBoth(entity, path, sides, parts)
  // A conflict whose other side was deleted by hand is resolved, because the author of the file knew that side.
  if (synced?.conflict !== undefined && !isOpen) sides.base = synced.conflict
  const action = decide(sides)
  switch (action) {
    case "adopt":
      return sides.file === null ? null : createSynced(sides.file)
    case "import": {
      if (file === null) return synced
      const { name, entityType, content, tags } = file.entity
      const expected = stored?.revision ?? null
      await memories.remember({ name, entityType, content, tags, expected })
      report.imported.push(path)
      return createSynced(sides.file)
    }
    case "forget":
      if (stored !== null) await memories.forget({ ...nameOf(key), expected: stored.revision })
      report.forgotten.push(path)
      return null
    case "removeFile":
      if (file === null || !(await removeFile(root, path, file.bytes))) throw createChangedError()
      report.removed.push(path)
      return null
    case "export":
    case "restore": {
      if (stored === null) return synced
      const expected = file?.bytes ?? null
      if (!(await replaceFile(root, path, { text: renderEntity(stored), expected })))
        throw createChangedError()
      report[action === "export" ? "exported" : "restored"].push(path)
      return createSynced(sides.stored)
    }
    case "conflict":
      return keepBoth(entity, path, sides, parts)
    default:
      return action satisfies never
  }
}

/** Keeps the file, and writes the stored memory into a file beside it. */
async function keepBoth(
  { key, stored, synced }: Entity,
  path: string,
  sides: { readonly stored: string | null },
  { root, report }: OneParts,
): Promise<SyncedMemory> {
  const beside = toConflictPath(path, sides.stored)
  const text =
    stored === null
      ? "This memory was forgotten, and its file was edited. Delete this file to store the other one again. " +
        "Delete both to forget the memory.\n"
      : renderEntity(stored)
  // An existing one has the same content, or was edited by hand.
  await replaceFile(root, beside, { text, expected: null })
  report.conflicts.push({ path, conflictPath: beside })
  return { ...nameOf(key), path, base: synced?.base ?? null, conflict: sides.stored }
}

interface ReadParts {
  readonly state: readonly SyncedMemory[]
  readonly report: OpenReport
  /** Receives the ids of memories whose files cannot be used. */
  readonly blocked: Set<string>
}

async function readFiles(root: string, paths: readonly string[], { state, report, blocked }: ReadParts) {
  const files = new Map<string, FoundFile & { readonly entity: EntityText }>()
  const recorded = new Map(state.map((memory) => [memory.path, memory]))
  const refuse = (path: string, problem: string) => {
    report.problems.push({ path, problem })
    const memory = recorded.get(path)
    if (memory !== undefined) blocked.add(toId(memory))
  }
  // If two files contain the same memory, the known one counts.
  const inOrder = [...paths].sort((left, right) => Number(recorded.has(right)) - Number(recorded.has(left)))
  for (const path of inOrder) {
    if (isConflictPath(path)) continue
    const found = await readBounded(root, path, maxFileBytes)
    if (found === null) continue
    if ("problem" in found) {
      refuse(path, found.problem)
      continue
    }
    const entity = parseEntity(found.text, path)
    if (typeof entity === "string") {
      refuse(path, entity)
      continue
    }
    if (entity.content === "") {
      refuse(path, "it is empty; delete the file to forget the memory")
      continue
    }
    const former = files.get(toId(entity))
    if (former === undefined) files.set(toId(entity), { ...found, entity })
    else refuse(path, `${former.path} is a file of the same memory`)
  }
  // A file that was replaced by something else, such as a link, does not count as deleted.
  for (const memory of state) {
    if (files.has(toId(memory)) || blocked.has(toId(memory)) || paths.includes(memory.path)) continue
    const found = await readBounded(root, memory.path, maxFileBytes)
    if (found !== null) refuse(memory.path, "problem" in found ? found.problem : "it was created just now")
  }
  return files
}

async function readStoredMemories(memories: Memories): Promise<ReadonlyMap<string, MemoryRecord>> {
  const stored = new Map<string, MemoryRecord>()
  for (let after: MemoryKey | undefined; ; ) {
    const page = await memories.list({ limit: pageSize, ...(after !== undefined && { after }) })
    for (const memory of page.memories) stored.set(toId(memory), memory)
    if (page.next === null) return stored
    after = page.next
  }
}

/** Returns a free path. A person may have given this name to another memory's file. */
function freePath(key: MemoryKey, paths: readonly string[]): string {
  const path = toEntityPath(key)
  return paths.includes(path) ? path.replace(/\.md$/, "-memory.md") : path
}

function toId({ entityType, name }: MemoryKey): string {
  return JSON.stringify([entityType, name])
}

function nameOf({ entityType, name }: MemoryKey): MemoryKey {
  return { entityType, name }
}

function createChangedError(): Error {
  return new Error("the file changed during the synchronization, and is looked at again next time")
}
