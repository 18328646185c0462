import { randomUUID } from "node:crypto"
import { chmod, chown, mkdir, readdir, rename, stat } from "node:fs/promises"
import { join } from "node:path"
import { GatewayError, hasCode } from "../../../core/errors.ts"
import { replaceFile } from "./files.ts"
import { readInputFile } from "./input-files.ts"
import { allotOwner, freeOwner, hasOwnUsers, isAllotted, type Owner } from "./owner.ts"
import { removeTree } from "./remove-tree.ts"
import { makePassable } from "./traversable-folder.ts"

/** A session's working directory on this machine. */
export interface Workspace {
  readonly sessionId: string
  /** Absolute path. Only the owner can access the folder. */
  readonly path: string
  /** Null if this process cannot become another user. Everything then belongs to its own user. */
  readonly owner: Owner | null
}

export interface Workspaces {
  /**
   * Creates the working directory with the input files, if it does not exist. Throws a `GatewayError` if it belongs
   * to another user, such as root, whose permissions its code would have.
   */
  open(sessionId: string): Promise<Workspace>
  /** Returns the working directory. Null if it was never created. */
  find(sessionId: string): Promise<Workspace | null>
  /**
   * Removes the working directory. No code of the session may run any more, because its user may be given to another
   * session afterwards.
   */
  remove(sessionId: string, signal?: AbortSignal): Promise<void>
  /** Completes interrupted removals. */
  finishRemovals(signal?: AbortSignal): Promise<void>
  /** Returns the number of working directories. */
  count(): Promise<number>
  /**
   * Returns all sessions whose working directory was created before that moment, in milliseconds since the Unix
   * epoch.
   */
  madeBefore(moment: number): Promise<readonly string[]>
}

export interface WorkspacesOptions {
  /** Absolute path. */
  readonly directory: string
  /** Files of the host by their path in the working directory. Each session receives a copy. */
  readonly inputFiles: Readonly<Record<string, string>>
}

/**
 * Opens the workspaces. Below `directory`, `sessions/ID/files` is a working directory, and `users/UID` marks a
 * reserved user. `new/` is where `sessions/ID` is created before it is moved to its place, so that no process sees it
 * incomplete. It is never empty, so a directory that another process created at the same time cannot replace it.
 * `removed/UID.UUID` is a `sessions/ID` during its removal, in a folder that no session's user can enter.
 */
export async function openWorkspaces({ directory, inputFiles }: WorkspacesOptions): Promise<Workspaces> {
  const sessions = join(directory, "sessions")
  const users = join(directory, "users")
  const fresh = join(directory, "new")
  const removed = join(directory, "removed")
  for (const folder of [directory, sessions, users, fresh]) await makePassable(folder)
  await mkdir(removed, { recursive: true, mode: 0o700 })
  const placeOf = (sessionId: string) => join(sessions, toFolderName(sessionId))
  const toPath = (sessionId: string) => join(placeOf(sessionId), "files")
  const making = new Map<string, Promise<Workspace>>()

  async function find(sessionId: string): Promise<Workspace | null> {
    const path = toPath(sessionId)
    try {
      const { uid, gid } = await stat(path)
      return { sessionId, path, owner: hasOwnUsers() ? { uid, gid } : null }
    } catch (error) {
      if (hasCode(error, "ENOENT")) return null
      throw error
    }
  }

  async function make(sessionId: string): Promise<Workspace> {
    const owner = await allotOwner(users)
    const passing = join(fresh, randomUUID())
    try {
      await mkdir(passing, { mode: 0o700 })
      await closeToOthers(passing, owner)
      await fill(join(passing, "files"), owner)
      await rename(passing, placeOf(sessionId))
    } catch (error) {
      await removeTree(passing)
      if (owner !== null) await freeOwner(users, owner)
      const existing = hasCode(error, "ENOTEMPTY") || hasCode(error, "EEXIST") ? await find(sessionId) : null
      if (existing !== null) return existing
      throw error
    }
    return { sessionId, path: toPath(sessionId), owner }
  }

  async function fill(path: string, owner: Owner | null): Promise<void> {
    await mkdir(path, { mode: 0o700 })
    for (const [name, source] of Object.entries(inputFiles)) {
      await replaceFile(path, name, await readInputFile(source), owner)
    }
    if (owner !== null) await chown(path, owner.uid, owner.gid)
  }

  /** Completes a removal. Frees the user last, because until then no other session may own the remaining files. */
  async function finishRemoval(passing: string, signal: AbortSignal | undefined): Promise<void> {
    await removeTree(join(removed, passing), signal)
    const [uid = ""] = passing.split(".")
    if (uid !== "") await freeOwner(users, { uid: Number(uid), gid: Number(uid) })
  }

  return {
    find,
    async open(sessionId) {
      const existing = await find(sessionId)
      if (existing !== null) {
        if (existing.owner !== null && !(await isAllotted(users, existing.owner)))
          throw createNotItsOwn(existing)
        await closeToOthers(placeOf(sessionId), existing.owner)
        return existing
      }
      const made = making.get(sessionId) ?? make(sessionId).finally(() => making.delete(sessionId))
      making.set(sessionId, made)
      return made
    },
    async remove(sessionId, signal) {
      const workspace = await find(sessionId)
      if (workspace === null) return
      const passing = `${workspace.owner?.uid ?? ""}.${randomUUID()}`
      try {
        await rename(placeOf(sessionId), join(removed, passing))
      } catch (error) {
        // Another process has removed it.
        if (hasCode(error, "ENOENT")) return
        throw error
      }
      await finishRemoval(passing, signal)
    },
    async finishRemovals(signal) {
      for (const passing of await readdir(removed)) await finishRemoval(passing, signal)
    },
    count: async () => (await readdir(sessions)).length,
    async madeBefore(moment) {
      const folders = await readdir(sessions)
      const made = await Promise.all(
        folders.map(async (folder) => {
          const stats = await stat(join(sessions, folder)).catch(ignoreGone)
          return stats !== null && stats.birthtimeMs < moment ? [toSessionId(folder)] : []
        }),
      )
      return made.flat()
    },
  }
}

/**
 * Lets only the gateway and the session's own user access the working directory. Otherwise code could open it to
 * everyone and leave a program in it that runs as its owner when any user starts it. The owner is the gateway's own
 * user if that is not root.
 */
async function closeToOthers(place: string, owner: Owner | null): Promise<void> {
  const { mode, gid } = await stat(place)
  const wanted = owner === null ? { mode: 0o700, gid } : { mode: 0o710, gid: owner.gid }
  if (gid !== wanted.gid) await chown(place, -1, wanted.gid)
  if ((mode & 0o777) !== wanted.mode) await chmod(place, wanted.mode)
}

/** Returns the error for a working directory with another owner, for example after a copy without owners. */
function createNotItsOwn({ path, owner }: Workspace): GatewayError {
  return new GatewayError(
    { code: "sandbox_unavailable", status: 503 },
    "The session's working directory does not belong to the session's own user, so no code runs in it.",
    {
      detail: `${path} belongs to user ${owner?.uid}, whom the gateway did not choose: restore its owner or remove it`,
    },
  )
}

/** Returns the folder's name. The gateway's own ids are valid names. Other ids of an application are converted. */
function toFolderName(sessionId: string): string {
  return /^[\w-]{1,200}$/.test(sessionId) ? sessionId : `~${Buffer.from(sessionId).toString("base64url")}`
}

function toSessionId(folder: string): string {
  return folder.startsWith("~") ? Buffer.from(folder.slice(1), "base64url").toString() : folder
}

function ignoreGone(error: unknown): null {
  if (hasCode(error, "ENOENT")) return null
  throw error
}
