import { randomUUID } from "node:crypto"
import { dirname, join } from "node:path"
import { type Directory, isAbsent, isClosed, nullIfAbsent, openDirectory } from "./directory.ts"
import { removeTree } from "./remove-tree.ts"
import { bytesOnDisk } from "./usage.ts"
import { maxDepth, walk } from "./walk.ts"

/**
 * Deletes files that were changed since `startedAt` until the rest fits, so that an execution that filled the disk
 * leaves room for the next. What was there before stays. Nothing of the session runs meanwhile that could fill it again
 * without being stopped in its turn.
 */
export async function trimWorkspace(
  path: string,
  { quota, startedAt }: { readonly quota: number; readonly startedAt: number },
): Promise<void> {
  if ((await walk(path, () => true)) === "incomplete") await removeDeepTrees(path)
  let bytes = 0
  await walk(path, ({ stats }) => {
    bytes += bytesOnDisk(stats)
    return true
  })
  await walk(path, async ({ parent, name, stats }) => {
    if (bytes <= quota) return false
    if (stats.ctimeMs < startedAt) return true
    const kind = stats.isDirectory() ? "directory" : "file"
    if (await removed(parent, name, kind)) bytes -= bytesOnDisk(stats)
    return true
  })
}

/**
 * A folder that is too deep to look into was made on purpose, so the whole tree is removed: first out of the working
 * directory into the folder above, which is the gateway's own and which no code can change.
 */
async function removeDeepTrees(path: string): Promise<void> {
  const deep = new Set<string>()
  await walk(path, ({ prefix, name }) => {
    if (prefix.split("/").length === maxDepth) deep.add(prefix.slice(0, prefix.indexOf("/")) || name)
    return true
  })
  const above = dirname(path)
  const [root, target] = await Promise.all([path, above].map((folder) => openDirectory(folder)))
  if (root === undefined || target === undefined) return
  try {
    for (const name of deep) {
      const passing = `removing-${randomUUID()}`
      await root.move(name, target, passing).catch(nullIfAbsent)
      await removeTree(join(above, passing))
    }
  } finally {
    await Promise.all([root.close(), target.close()])
  }
}

async function removed(parent: Directory, name: string, kind: "file" | "directory"): Promise<boolean> {
  try {
    await parent.remove(name, kind).catch(async (error) => {
      if (!isClosed(error)) throw error
      await parent.openUp()
      await parent.remove(name, kind)
    })
    return true
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined
    if (isAbsent(error) || code === "ENOTEMPTY") return false
    throw error
  }
}
