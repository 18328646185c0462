import { access, constants } from "node:fs/promises"
import { join } from "node:path"

/**
 * Folders of the system's own programs. A program that another user put on the gateway's PATH is not trusted with
 * isolation.
 */
const folders = ["/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"]

export async function findProgram(name: string): Promise<string | undefined> {
  for (const folder of folders) {
    const path = join(folder, name)
    const found = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (found) return path
  }
  return undefined
}
