import { readdir, readFile } from "node:fs/promises"
import { extname, join } from "node:path"
import { promisify } from "node:util"
import { gzip } from "node:zlib"

/** One built file of the console, held in memory in its final form. */
export interface PageFile {
  readonly type: string
  readonly body: Uint8Array<ArrayBuffer>
  readonly gzipped: Uint8Array<ArrayBuffer>
  /** If true, the name has a hash of the content, so browsers may cache the file forever. */
  readonly isImmutable: boolean
}

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
}

/** Reads the built files by their paths below `folder`. Empty if the console was not built. */
export async function readPageFiles(folder: string): Promise<ReadonlyMap<string, PageFile>> {
  const files = new Map<string, PageFile>()
  for (const name of await listNames(folder)) {
    const type = types[extname(name)]
    if (type === undefined) continue
    const body = new Uint8Array(await readFile(join(folder, name)))
    const gzipped = new Uint8Array(await promisify(gzip)(body, { level: 9 }))
    files.set(name, { type, body, gzipped, isImmutable: name.startsWith("assets/") })
  }
  return files
}

async function listNames(folder: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(folder, { recursive: true })
    return entries.map((name) => name.replaceAll("\\", "/"))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return []
    throw error
  }
}
