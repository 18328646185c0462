import { mkdir, open, rename, rm } from "node:fs/promises"
import { dirname, resolve } from "node:path"

/** Replaces the file with the text. A reader, or a crash at any moment, finds either the old text or the new one. */
export async function writeBriefing(path: string, text: string): Promise<void> {
  const file = resolve(path)
  await mkdir(dirname(file), { recursive: true })
  const temporary = `${file}.${crypto.randomUUID()}.tmp`
  try {
    const handle = await open(temporary, "wx", 0o644)
    try {
      await handle.writeFile(text.endsWith("\n") ? text : `${text}\n`)
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
