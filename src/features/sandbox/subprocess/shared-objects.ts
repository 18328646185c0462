import { execFile } from "node:child_process"
import { readFile } from "node:fs/promises"
import { promisify } from "node:util"
import { hasCode } from "../../../core/errors.ts"

/** The kinds of System V objects, with the option of ipcrm(1) that removes one. */
const kinds = { shm: "--shmem-id", sem: "--semaphore-id", msg: "--queue-id" } as const

/**
 * Removes a user's System V shared memory, semaphores and message queues, which outlive the processes that created
 * them. No other program may run as that user.
 */
export async function removeSharedObjects(ipcrm: string, uid: number): Promise<void> {
  const options = await Promise.all(
    Object.entries(kinds).map(async ([kind, option]) => {
      const ids = await listObjects(kind, uid)
      return ids.flatMap((id) => [option, id])
    }),
  )
  if (options.flat().length > 0) await promisify(execFile)(ipcrm, options.flat(), { env: {} })
}

/** https://man7.org/linux/man-pages/man5/proc_sysvipc.5.html */
async function listObjects(kind: string, uid: number): Promise<readonly string[]> {
  const text = await readFile(`/proc/sysvipc/${kind}`, "utf8").catch((error: unknown) => {
    // The kernel does not support them.
    if (hasCode(error, "ENOENT")) return ""
    throw error
  })
  const [heading = "", ...lines] = text.trim().split("\n")
  const columns = heading.trim().split(/\s+/)
  const [idColumn, creatorColumn] = [1, columns.indexOf("cuid")]
  return lines.flatMap((line) => {
    const cells = line.trim().split(/\s+/)
    const id = cells[idColumn]
    return id !== undefined && cells[creatorColumn] === String(uid) ? [id] : []
  })
}
