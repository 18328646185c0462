import { createHash } from "node:crypto"
import { createReadStream } from "node:fs"
import { mkdir, readdir, rm, stat, utimes } from "node:fs/promises"
import { join, resolve } from "node:path"

/** The folder of one session on the disk. Sessions share no files, so users do not share any either. */
export interface SessionFolder {
  /** The SDK's id of the session. */
  readonly id: string
  /** Folder of the SDK's transcript and of its own files. */
  readonly config: string
  readonly home: string
  readonly temporary: string
  readonly work: string
  /** Path of the transcript. Null if this folder has none. */
  readonly transcript: string | null
}

/** Returns the path of a session's folder. */
export function toSessionPath(root: string, sessionId: string): string {
  return join(resolve(root), computeUuid("session", sessionId))
}

/** Creates the folders of a session. Only the gateway's user can read them. */
export async function openSessionFolder(root: string, sessionId: string): Promise<SessionFolder> {
  const id = computeUuid("session", sessionId)
  const folder = toSessionPath(root, sessionId)
  const [config, home, temporary, work] = ["config", "home", "tmp", "work"].map((name) =>
    join(folder, name),
  ) as [string, string, string, string]
  for (const path of [config, home, temporary, work]) await mkdir(path, { recursive: true, mode: 0o700 })
  const now = new Date()
  await utimes(folder, now, now)
  return { id, config, home, temporary, work, transcript: await findTranscript(config, id) }
}

/** Returns a UUID that depends only on the arguments. */
export function computeUuid(kind: "session" | "run", id: string): string {
  const hex = createHash("sha256").update(`${kind}:${id}`).digest("hex")
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

/**
 * Resolves to the path of the transcript, or to null. The SDK keeps it in `projects`, in a folder named after the
 * working directory.
 */
async function findTranscript(config: string, id: string): Promise<string | null> {
  const projects = join(config, "projects")
  for (const project of await listNames(projects)) {
    const path = join(projects, project, `${id}.jsonl`)
    const stats = await stat(path).catch(ignoreMissing)
    if (stats !== null && stats.size > 0) return path
  }
  return null
}

/** Resolves to true if the file contains the text. Reads it in pieces, because a transcript may be large. */
export async function searchFile(path: string, text: string, signal: AbortSignal): Promise<boolean> {
  let end = ""
  for await (const chunk of createReadStream(path, { encoding: "utf8", signal })) {
    const piece = end + String(chunk)
    if (piece.includes(text)) return true
    end = piece.slice(-text.length)
  }
  return false
}

/** Removes the folders of sessions that were not used for `keepMs`. */
export async function removeOldFolders(root: string, keepMs: number, signal: AbortSignal): Promise<void> {
  for (const name of await listNames(resolve(root))) {
    if (signal.aborted) return
    if (!/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/.test(name)) continue
    const folder = join(resolve(root), name)
    const stats = await stat(folder).catch(ignoreMissing)
    if (stats === null || stats.mtimeMs > Date.now() - keepMs) continue
    await rm(folder, { recursive: true, force: true })
  }
}

async function listNames(folder: string): Promise<readonly string[]> {
  return (await readdir(folder).catch(ignoreMissing)) ?? []
}

function ignoreMissing(error: NodeJS.ErrnoException): null {
  if (error.code === "ENOENT") return null
  throw error
}
