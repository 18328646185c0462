import { access, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { hasCode } from "../../../core/errors.ts"

export async function writeIfThere(folder: string, name: string, value: string): Promise<void> {
  const file = join(folder, name)
  const isThere = await access(file).then(
    () => true,
    () => false,
  )
  if (!isThere) return
  try {
    await writeFile(file, value)
  } catch (error) {
    // The file was removed in between, or this kernel does not support the limit.
    if (!["ENOENT", "ENODEV", "ENOTSUP"].some((code) => hasCode(error, code))) throw error
  }
}

export async function readIfThere(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8")
  } catch (error) {
    if (hasCode(error, "ENOENT") || hasCode(error, "ENODEV")) return ""
    throw error
  }
}
