import { chmod, mkdir, stat } from "node:fs/promises"
import { ConfigurationError } from "../../core/errors.ts"
import { hasOwnUsers } from "./owner.ts"

const everyoneWrites = 0o002
const everyonePasses = 0o001

/**
 * Makes a folder that the users code runs as pass through by name, to their own, and in which they cannot list who is
 * beside them. One that is there already may be somebody's home: its mode is never changed, and one that would not do
 * is refused with a `ConfigurationError`.
 */
export async function makePassable(path: string): Promise<void> {
  const made = await mkdir(path, { recursive: true })
  // What `mkdir` was told of the mode would be less the umask.
  if (made !== undefined) return chmod(path, 0o711)
  const { mode } = await stat(path)
  if ((mode & everyoneWrites) !== 0) {
    throw unfit(
      path,
      mode,
      "may be written to by every user of this machine",
      "Name a folder in it that is not there yet, and the gateway makes it",
    )
  }
  // Otherwise all code runs as the gateway's own user.
  if (hasOwnUsers() && (mode & everyonePasses) === 0) {
    const remedy = `Let them (chmod o+x ${path}), or name a folder that is not there yet, and the gateway makes it`
    throw unfit(path, mode, "cannot be passed through by the users that code runs as", remedy)
  }
}

function unfit(path: string, mode: number, what: string, remedy: string): ConfigurationError {
  const octal = (mode & 0o7777).toString(8).padStart(4, "0")
  return new ConfigurationError(`codeExecution.directory: ${path} ${what} (mode ${octal}). ${remedy}.`)
}
