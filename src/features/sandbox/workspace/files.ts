import { randomUUID } from "node:crypto"
import type { FileHandle } from "node:fs/promises"
import { GatewayError, hasCode } from "../../../core/errors.ts"
import { maxListedFiles, type OpenedFile, type SandboxFile } from "../../../core/ports/tools/sandbox.ts"
import { type Directory, openDirectory } from "./directory.ts"
import type { Owner } from "./owner.ts"
import { maxDepth, type Visited, walk } from "./walk.ts"

const maxPathBytes = 4096
const chunkBytes = 64 * 1024

/** Lists files in the order of the file system. Skips entries that are not regular files, or have no UTF-8 name. */
export async function listFiles(root: string, signal?: AbortSignal): Promise<readonly SandboxFile[]> {
  const files: SandboxFile[] = []
  const visit = ({ name, prefix, stats }: Visited) => {
    const path = toUtf8(prefix + name)
    if (stats.isFile() && path !== null) {
      const { size, mtimeMs, ctimeMs, ino } = stats
      files.push({ path, size, version: `${ino}-${size}-${mtimeMs}-${ctimeMs}` })
    }
    return files.length < maxListedFiles
  }
  await walk(root, visit, signal)
  return files
}

export async function openFile(root: string, path: string): Promise<OpenedFile | null> {
  const steps = splitIntoSteps(path)
  const name = steps?.pop()
  if (steps === null || name === undefined) return null
  const folder = await descend(root, steps)
  if (folder === null) return null
  try {
    const handle = await folder.file(name)
    if (handle === null) return null
    const { size } = await handle.stat()
    return { size, content: readContent(handle, size) }
  } finally {
    await folder.close()
  }
}

export async function replaceFile(
  root: string,
  path: string,
  data: Uint8Array,
  owner: Owner | null,
): Promise<void> {
  const steps = splitIntoSteps(path)
  const name = steps?.pop()
  if (steps === null || name === undefined) throw new GatewayError(invalidPath, "The path is not allowed.")
  const folder = await descend(root, steps, owner)
  if (folder === null) throw new GatewayError(invalidPath, "A part of the path is not a folder.")
  try {
    const passing = `.writing-${randomUUID()}`
    const handle = await folder.create(passing)
    try {
      await handle.writeFile(data)
      if (owner !== null) await handle.chown(owner.uid, owner.gid)
    } finally {
      await handle.close()
    }
    await folder.rename(passing, name)
  } finally {
    await folder.close()
  }
}

const invalidPath = { code: "invalid_path", status: 400 }

/** Returns the parts of a path inside a working directory as bytes. Null for a path that is not clearly inside. */
function splitIntoSteps(path: string): string[] | null {
  const bytes = Buffer.from(path).toString("latin1")
  const steps = bytes.split("/")
  const isPlain = steps.every((step) => step !== "" && step !== "." && step !== ".." && !step.includes("\0"))
  return isPlain && bytes.length <= maxPathBytes && steps.length <= maxDepth ? steps : null
}

/** Opens one folder after the other. If there is an owner for them, creates missing ones. */
async function descend(
  root: string,
  steps: readonly string[],
  creating?: Owner | null,
): Promise<Directory | null> {
  let folder = await openDirectory(root)
  for (const step of steps) {
    const parent = folder
    try {
      const child = (await parent.directory(step)) ?? (await makeFolder(parent, step, creating))
      if (child === null) return null
      folder = child
    } finally {
      await parent.close()
    }
  }
  return folder
}

async function makeFolder(
  parent: Directory,
  name: string,
  owner: Owner | null | undefined,
): Promise<Directory | null> {
  if (owner === undefined) return null
  try {
    await parent.makeDirectory(name)
  } catch (error) {
    if (hasCode(error, "EEXIST")) return null
    throw error
  }
  const directory = await parent.directory(name)
  if (owner !== null) await directory?.chown(owner.uid, owner.gid)
  return directory
}

/** Returns the content. It is not a generator, because a generator that is never started would not close the file. */
function readContent(handle: FileHandle, size: number): AsyncIterableIterator<Uint8Array> {
  let at = 0
  const end = async () => {
    await handle.close()
    return { done: true, value: undefined } as const
  }
  return {
    [Symbol.asyncIterator]() {
      return this
    },
    async next() {
      const length = Math.min(chunkBytes, size - at)
      if (length <= 0) return end()
      const { bytesRead, buffer } = await handle
        .read(Buffer.alloc(length), { position: at })
        .catch(async (error) => {
          await handle.close()
          throw error
        })
      if (bytesRead === 0) return end()
      at += bytesRead
      return { done: false, value: buffer.subarray(0, bytesRead) }
    },
    return: end,
  }
}

function toUtf8(latin1: string): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.from(latin1, "latin1"))
  } catch (error) {
    if (error instanceof TypeError) return null
    throw error
  }
}
