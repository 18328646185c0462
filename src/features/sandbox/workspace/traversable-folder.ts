import { chmod, mkdir, stat } from "node:fs/promises"
import { ConfigurationError } from "../../../core/errors.ts"
import { hasOwnUsers } from "./owner.ts"

const everyoneWrites = 0o002
const everyonePasses = 0o001

/**
 * Creates a folder through which the users that run code can reach their own folder by name, without listing the
 * others. An existing folder may be a home directory, so its mode is never changed. If its mode is unsuitable, throws
 * a `ConfigurationError`.
 */
export async function makePassable(path: string): Promise<void> {
  const made = await mkdir(path, { recursive: true })
  // The mode in `mkdir` would be reduced by the umask.
  if (made !== undefined) return chmod(path, 0o711)
  const { mode } = await stat(path)
  if ((mode & everyoneWrites) !== 0) {
    throw createUnfitError(
      path,
      mode,
      "may be written to by every user of this machine",
      "Name a folder in it that is not there yet, and the gateway makes it",
    )
  }
  // Otherwise all code runs as the gateway's own user.
  if (hasOwnUsers() && (mode & everyonePasses) === 0) {
    const remedy = `Let them (chmod o+x ${path}), or name a folder that is not there yet, and the gateway makes it`
    throw createUnfitError(path, mode, "cannot be passed through by the users that code runs as", remedy)
  }
}

function createUnfitError(path: string, mode: number, what: string, remedy: string): ConfigurationError {
  const octal = (mode & 0o7777).toString(8).padStart(4, "0")
  return new ConfigurationError(`codeExecution.directory: ${path} ${what} (mode ${octal}). ${remedy}.`)
}
