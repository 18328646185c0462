import { constants } from "node:fs"
import { type FileHandle, open, rename, stat } from "node:fs/promises"
import { hasCode } from "../../core/errors.ts"

export interface TranscriptFileOptions {
  /** Size in bytes at which a file is set aside before more lines are added. */
  readonly maxBytes: number
  /** If true, lines are on the disk when the call resolves. */
  readonly sync: boolean
}

const { O_RDWR, O_CREAT, O_APPEND, O_NOFOLLOW, O_NONBLOCK } = constants
const newline = 0x0a
const chunkBytes = 65_536

/**
 * Adds whole lines to the file, which only its owner can access. If a process died while it wrote the last line, that
 * line is removed first, because a writer that writes at least once writes it again. If the lines cannot be written,
 * none of them remains.
 */
export async function appendLines(
  path: string,
  lines: string,
  { maxBytes, sync }: TranscriptFileOptions,
): Promise<void> {
  let handle = await openFile(path)
  try {
    let size = await repairEnd(handle)
    if (size >= maxBytes) {
      await handle.close()
      await rename(path, await freeName(path))
      handle = await openFile(path)
      size = await repairEnd(handle)
    }
    try {
      await handle.appendFile(lines)
      if (sync) await handle.datasync()
    } catch (error) {
      // Data that does not fit on the disk must not remain in part.
      await handle.truncate(size)
      throw error
    }
  } finally {
    await handle.close()
  }
}

async function openFile(path: string): Promise<FileHandle> {
  const handle = await open(path, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK, 0o600)
  if ((await handle.stat()).isFile()) return handle
  await handle.close()
  throw new Error(`The transcript ${path} is not a file. Move it away.`)
}

/** Removes data after the last newline. Resolves to the file's size. */
async function repairEnd(handle: FileHandle): Promise<number> {
  const { size } = await handle.stat()
  const buffer = Buffer.alloc(chunkBytes)
  for (let end = size; end > 0; ) {
    const length = Math.min(end === size ? 1 : chunkBytes, end)
    const { bytesRead } = await handle.read(buffer, 0, length, end - length)
    const last = buffer.subarray(0, bytesRead).lastIndexOf(newline)
    if (last !== -1) {
      const kept = end - length + last + 1
      if (kept < size) await handle.truncate(kept)
      return kept
    }
    end -= length
  }
  if (size > 0) await handle.truncate(0)
  return 0
}

/**
 * Returns the name under which a file is set aside: `a.jsonl` as `a.000001.jsonl`, then `a.000002.jsonl` and so on.
 */
async function freeName(path: string): Promise<string> {
  const stem = path.slice(0, -".jsonl".length)
  for (let number = 1; ; number += 1) {
    const name = `${stem}.${String(number).padStart(6, "0")}.jsonl`
    if (!(await exists(name))) return name
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    if (hasCode(error, "ENOENT")) return false
    throw error
  }
}
