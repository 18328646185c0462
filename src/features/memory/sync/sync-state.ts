import { z } from "zod"
import { GatewayError } from "../../../core/errors.ts"
import type { MemoryKey } from "../../../core/ports/store/memory.ts"
import { readBounded, recoverFile, replaceFile } from "./folder.ts"

/** A memory at the time when its file and the stored memory were last the same. */
export interface SyncedMemory extends MemoryKey {
  readonly path: string
  /** Digest of both. Null for a memory that has only been in conflict. */
  readonly base: string | null
  /**
   * Only in a conflict: digest of the stored memory that is kept beside the file. Null if that memory was forgotten.
   */
  readonly conflict?: string | null
}

/** The state as it was read. */
export interface SyncState {
  readonly memories: readonly SyncedMemory[]
  /** Digest of the file's bytes. Null if there is no file. */
  readonly bytes: string | null
}

const stateFile = ".gateway-memory.json"
const maxStateBytes = 20_000_000

const schema = z.object({
  version: z.literal(1),
  memories: z.array(
    z.object({
      entityType: z.string(),
      name: z.string(),
      path: z.string(),
      base: z.string().nullable(),
      conflict: z.string().nullable().optional(),
    }),
  ),
})

/**
 * Throws `sync_state_unreadable` if the state cannot be used, because deletions could not be recognized without it.
 */
export async function loadSyncState(root: string): Promise<SyncState> {
  await recoverFile(root, stateFile)
  const found = await readBounded(root, stateFile, maxStateBytes)
  if (found === null) return { memories: [], bytes: null }
  if ("problem" in found) throw createUnreadable(found.problem)
  try {
    const { memories } = schema.parse(JSON.parse(found.text))
    return {
      memories: memories.map(({ conflict, ...memory }) => ({
        ...memory,
        ...(conflict !== undefined && { conflict }),
      })),
      bytes: found.bytes,
    }
  } catch {
    throw createUnreadable("it is not a state of this version")
  }
}

export async function saveSyncState(
  root: string,
  memories: readonly SyncedMemory[],
  { bytes }: SyncState,
): Promise<void> {
  const text = `${JSON.stringify({ version: 1, memories }, null, 1)}\n`
  if (await replaceFile(root, stateFile, { text, expected: bytes })) return
  throw createUnreadable("it was changed during the synchronization")
}

function createUnreadable(problem: string): GatewayError {
  return new GatewayError(
    { code: "sync_state_unreadable", status: 500 },
    `The file ${stateFile} in the folder of memories cannot be used: ${problem}. If you delete it, the next ` +
      "synchronization compares all files with the stored memories and keeps both where they differ.",
  )
}
