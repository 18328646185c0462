import { readFile, stat } from "node:fs/promises"
import { dirname } from "node:path"
import { ConfigurationError, toError } from "../../../core/errors.ts"
import type { CompleteSandboxConfig } from "../config.ts"
import { megabyte } from "../limits.ts"
import { leastBytes } from "./disk-usage.ts"

/** Rejects if the copies of the option `files` alone exceed a session's quota, because every run would be over it. */
export async function checkInputFiles({
  files,
  diskMb,
}: Pick<CompleteSandboxConfig, "files" | "diskMb">): Promise<void> {
  let bytes = listFolders(Object.keys(files)).size * leastBytes
  for (const source of Object.values(files)) {
    const { size } = await stat(source).catch(refuse)
    bytes += Math.max(1, Math.ceil(size / leastBytes)) * leastBytes
  }
  if (bytes <= diskMb * megabyte) return
  const taken = Math.ceil((bytes / megabyte) * 10) / 10
  throw new ConfigurationError(
    `codeExecution.files: each session's copies take ${taken} MB, and codeExecution.diskMb allows ${diskMb} MB ` +
      "for all of a session's files. Offer less, or set a larger diskMb.",
  )
}

/** Reads a file. Throws a `ConfigurationError` that names the file if it cannot be read. */
export function readInputFile(path: string): Promise<Uint8Array> {
  return readFile(path).catch(refuse)
}

/** Returns the folders above the files, inside the working directory. */
function listFolders(paths: readonly string[]): ReadonlySet<string> {
  const folders = new Set<string>()
  for (const path of paths) {
    for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder)) folders.add(folder)
  }
  return folders
}

function refuse(error: unknown): never {
  throw new ConfigurationError(`codeExecution.files: ${toError(error).message}`, { cause: error })
}
