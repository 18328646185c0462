import { constants } from "node:fs"
import { link, lstat, mkdir, open, readdir, realpath, rename, rm } from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import { GatewayError, hasCode, toError } from "../../../core/errors.ts"
import { computeSha256 } from "./entity-file.ts"

/** A file as it was read. */
export interface FoundFile {
  /** Path below the folder, with slashes. */
  readonly path: string
  /** Digest of its bytes. */
  readonly bytes: string
  readonly text: string
}

export interface UnreadableFile {
  readonly path: string
  readonly problem: string
}

const maxEntries = 20_000
/** Maximum bytes of a replaced file. The state is the largest one. */
const maxReplacedBytes = 21_000_000
/** Suffixes of the hidden names of files that are being written and replaced. */
const temporary = ".gateway-tmp"
const replaced = ".gateway-old"

/** Creates the folder if it is missing, and returns its path without links. */
export async function openFolder(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  return realpath(folder)
}

/**
 * Lists the Markdown files of the folder and of the folders in it. Skips hidden files, links and deeper folders, so
 * that nothing outside the folder is ever read.
 */
export async function listFiles(root: string): Promise<readonly string[]> {
  const paths: string[] = []
  let entries = 0
  const list = async (below: string, isRoot: boolean) => {
    for (const entry of await readdir(join(root, below), { withFileTypes: true })) {
      entries++
      if (entries > maxEntries) throw createTooManyFiles()
      const path = below === "" ? entry.name : `${below}/${entry.name}`
      if (entry.name.startsWith(".")) continue
      if (isRoot && entry.isDirectory()) await list(path, false)
      else if (entry.isFile() && entry.name.endsWith(".md")) paths.push(path)
    }
  }
  await list("", true)
  return paths.sort()
}

/** Reads a regular file of at most `maxBytes` bytes. Resolves to null if there is no such file. */
export async function readBounded(
  root: string,
  path: string,
  maxBytes: number,
): Promise<FoundFile | UnreadableFile | null> {
  try {
    if (!(await isRealFolder(dirname(join(root, path)), root)))
      return { path, problem: "its folder is a link" }
    // A pipe would otherwise block the call.
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
    const handle = await open(join(root, path), flags)
    try {
      const { size } = await handle.stat().then((found) => (found.isFile() ? found : { size: -1 }))
      if (size < 0) return { path, problem: "it is not a regular file" }
      if (size > maxBytes) return { path, problem: `it has ${size} bytes, more than the ${maxBytes} allowed` }
      // The buffer has one more byte, so that a file that grows meanwhile is noticed.
      const buffer = Buffer.alloc(size + 1)
      let length = 0
      for (let count = -1; count !== 0 && length <= size; length += count) {
        count = (await handle.read(buffer, length, buffer.length - length, length)).bytesRead
      }
      if (length > size) return { path, problem: "it is being written" }
      const content = buffer.subarray(0, length)
      return {
        path,
        bytes: computeSha256(content),
        text: new TextDecoder("utf-8", { fatal: true }).decode(content),
      }
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (hasCode(error, "ENOENT")) return null
    if (hasCode(error, "ELOOP")) return { path, problem: "it is a link" }
    if (error instanceof TypeError) return { path, problem: "it is not UTF-8" }
    return { path, problem: toError(error).message }
  }
}

/**
 * Writes a file if its bytes still have the expected digest, or if there is no file and `expected` is null. Resolves
 * to false, and changes nothing, if the file changed meanwhile. A crash leaves either the old file or the new one.
 */
export async function replaceFile(
  root: string,
  path: string,
  { text, expected }: { readonly text: string; readonly expected: string | null },
): Promise<boolean> {
  const file = join(root, path)
  const folder = dirname(file)
  await mkdir(folder, { mode: 0o700 }).catch((error: unknown) => {
    if (!hasCode(error, "EEXIST")) throw error
  })
  if (!(await isRealFolder(folder, root))) throw new Error("its folder is a link")
  const next = toHiddenPath(file, temporary)
  await rm(next, { force: true })
  const handle = await open(next, "wx", 0o600)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
  try {
    if (expected === null) return await moveToFree(next, file)
    if (!(await setAside(root, path, expected))) return false
    const isWritten = await moveToFree(next, file)
    await rm(toHiddenPath(file, replaced), { force: true })
    return isWritten
  } finally {
    await rm(next, { force: true })
  }
}

/** Deletes a file if its bytes still have the expected digest. Resolves to false if the file changed meanwhile. */
export async function removeFile(root: string, path: string, expected: string): Promise<boolean> {
  if (!(await setAside(root, path, expected))) return false
  await rm(toHiddenPath(join(root, path), replaced), { force: true })
  return true
}

/** Restores a file that a crash left set aside, unless a new one exists. */
export async function recoverFile(root: string, path: string): Promise<void> {
  const file = join(root, path)
  const aside = toHiddenPath(file, replaced)
  if ((await lstat(aside).catch(() => null)) === null) return
  if (!(await moveToFree(aside, file))) await rm(aside, { force: true })
}

/**
 * Restores Markdown files that a crash left set aside. If a new one exists, the old one is kept as that of a
 * conflict, unless `isBase` reports that both sides know it. Returns the paths of the kept files.
 */
export async function recoverFiles(
  root: string,
  isBase: (path: string, text: string) => boolean,
): Promise<readonly string[]> {
  const kept: string[] = []
  const recover = async (folder: string) => {
    for (const { name } of await readdir(folder, { withFileTypes: true })) {
      if (!name.startsWith(".")) continue
      if (name.endsWith(temporary)) await rm(join(folder, name), { force: true })
      if (!name.endsWith(`.md${replaced}`)) continue
      const aside = join(folder, name)
      const file = join(folder, name.slice(1, -replaced.length))
      if (await moveToFree(aside, file)) continue
      const found = await readBounded(root, toPathBelow(root, aside), maxReplacedBytes)
      if (found === null || "problem" in found) continue
      if (isBase(toPathBelow(root, file), found.text)) {
        await rm(aside, { force: true })
        continue
      }
      const copy = file.replace(/\.md$/, `.conflict-${found.bytes.slice(0, 8)}.md`)
      if (await moveToFree(aside, copy)) kept.push(toPathBelow(root, copy))
    }
  }
  await recover(root)
  for (const entry of await readdir(root, { withFileTypes: true })) {
    if (entry.isDirectory() && !entry.name.startsWith(".")) await recover(join(root, entry.name))
  }
  return kept
}

/**
 * Renames the file, and restores it if it is not the expected one, so that an edit in between is noticed and not
 * lost.
 */
async function setAside(root: string, path: string, expected: string): Promise<boolean> {
  const file = join(root, path)
  if (!(await isRealFolder(dirname(file), root))) return false
  const aside = toHiddenPath(file, replaced)
  const found = await lstat(file).catch(() => null)
  if (found === null || !found.isFile() || found.size > maxReplacedBytes) return false
  await rename(file, aside)
  const read = await readBounded(root, toPathBelow(root, aside), maxReplacedBytes)
  if (read !== null && "bytes" in read && read.bytes === expected) return true
  await moveToFree(aside, file)
  return false
}

/** Moves a file to a free path. Resolves to false if the path is not free. */
async function moveToFree(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
  } catch (error) {
    if (hasCode(error, "EEXIST")) return false
    // Some file systems do not support links.
    if ((await lstat(to).catch(() => null)) !== null) return false
    await rename(from, to)
    return true
  }
  await rm(from, { force: true })
  return true
}

async function isRealFolder(folder: string, root: string): Promise<boolean> {
  if (folder === root) return true
  const found = await lstat(folder)
  return found.isDirectory() && (await realpath(folder)) === folder
}

function toPathBelow(root: string, file: string): string {
  return file.slice(root.length + 1).replaceAll("\\", "/")
}

function toHiddenPath(file: string, end: string): string {
  return join(dirname(file), `.${basename(file)}${end}`)
}

function createTooManyFiles(): GatewayError {
  return new GatewayError(
    { code: "too_many_files", status: 413 },
    `The folder of memories has more than ${maxEntries} files. Use a separate folder for each user.`,
  )
}
