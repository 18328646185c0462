import { mkdir, open, rename, rm, stat } from "node:fs/promises"
import { dirname, resolve } from "node:path"

/**
 * Replaces the file with the text. A reader, or a crash at any moment, finds either the old text or the new one. The
 * time of the file is that of the text, in milliseconds since the Unix epoch.
 */
export async function writeBriefing(path: string, text: string, at: number): Promise<void> {
  const file = resolve(path)
  await mkdir(dirname(file), { recursive: true })
  const temporary = `${file}.${crypto.randomUUID()}.tmp`
  try {
    const handle = await open(temporary, "wx", 0o644)
    try {
      await handle.writeFile(text.endsWith("\n") ? text : `${text}\n`)
      await handle.utimes(at / 1_000, at / 1_000)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temporary, file)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

/** Returns true if the file has changed since this time, for example by the result of a later run. */
export async function hasNewerBriefing(path: string, at: number): Promise<boolean> {
  const found = await stat(resolve(path)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return null
    throw error
  })
  return found !== null && Math.round(found.mtimeMs) > at
}
