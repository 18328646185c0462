import { randomUUID } from "node:crypto"
import { dirname, join } from "node:path"
import type { RemovedFiles } from "../../core/ports/sandbox.ts"
import { type Directory, isAbsent, isClosed, nullIfAbsent, openDirectory } from "./directory.ts"
import { removeTree } from "./remove-tree.ts"
import { bytesOnDisk } from "./usage.ts"
import { maxDepth, type Visited, walk } from "./walk.ts"

/** Paths in a report. */
const maxReported = 20

export interface TrimOptions {
  /** In bytes. */
  readonly quota: number
  /** When the execution began, in milliseconds since the Unix epoch. */
  readonly startedAt: number
}

/**
 * Deletes files until the rest fits into the quota, so that an execution that filled the disk leaves room for the next.
 * First those that the execution made, the largest first and of similar ones the newest first. Only if that is not
 * enough, those that were there before and that it changed: they may hold earlier data. What it left alone stays.
 *
 * Nothing of the session runs meanwhile that could fill the disk again without being stopped in its turn.
 */
export async function trimWorkspace(path: string, { quota, startedAt }: TrimOptions): Promise<RemovedFiles> {
  if ((await walk(path, () => true)) === "incomplete") await removeDeepTrees(path)
  const removed = createRemovedFiles()
  for (const isCandidate of [madeSince(startedAt), changedSince(startedAt)]) {
    const { bytes, files } = await survey(path, isCandidate)
    let excess = bytes - quota
    if (excess <= 0) break
    const chosen = enough(files, excess)
    excess = await removeEntries(path, { excess, isChosen: (entry) => chosen.has(pathOf(entry)), removed })
    // Then empty folders, and the many small files beyond those that were compared, in no order.
    await removeEntries(path, { excess, isChosen: isCandidate, removed })
  }
  return removed.report()
}

function createRemovedFiles() {
  let count = 0
  const paths: string[] = []
  return {
    add(entry: Visited) {
      count += 1
      if (paths.length < maxReported) paths.push(Buffer.from(pathOf(entry), "latin1").toString())
    },
    report: (): RemovedFiles => ({ count, paths }),
  }
}

type Choice = (entry: Visited) => boolean

const changedSince = (moment: number): Choice => {
  return ({ stats }) => stats.ctimeMs >= moment
}
/** Where the file system does not know when a file was made, it counts as one that was there before. */
const madeSince = (moment: number): Choice => {
  return ({ stats }) => stats.birthtimeMs >= moment && stats.ctimeMs >= moment
}

const pathOf = ({ prefix, name }: Visited) => prefix + name

interface Candidate {
  readonly path: string
  readonly bytes: number
  readonly madeAt: number
}

/** Returns what all entries take of the disk, and the candidates that would be deleted first. */
async function survey(
  path: string,
  isCandidate: Choice,
): Promise<{ readonly bytes: number; readonly files: readonly Candidate[] }> {
  let bytes = 0
  let files: Candidate[] = []
  await walk(path, (entry) => {
    const { stats } = entry
    const size = bytesOnDisk(stats)
    bytes += size
    if (!stats.isDirectory() && isCandidate(entry)) {
      files.push({ path: pathOf(entry), bytes: size, madeAt: stats.birthtimeMs })
    }
    if (files.length >= 2 * maxCompared) files = firstOf(files)
    return true
  })
  return { bytes, files: firstOf(files) }
}

/** Code may make files without end; memory for their names is bounded. */
const maxCompared = 10_000

function firstOf(files: readonly Candidate[]): Candidate[] {
  return files.toSorted(largestAndNewestFirst).slice(0, maxCompared)
}

/** Sizes are similar within a factor of two. */
function largestAndNewestFirst(a: Candidate, b: Candidate): number {
  const [sizeOfA, sizeOfB] = [a, b].map(({ bytes }) => Math.floor(Math.log2(bytes))) as [number, number]
  return sizeOfB - sizeOfA || b.madeAt - a.madeAt
}

/** Returns the paths of as many as it takes to free that many bytes. */
function enough(files: readonly Candidate[], excess: number): ReadonlySet<string> {
  const chosen = new Set<string>()
  let left = excess
  for (const { path, bytes } of files) {
    if (left <= 0) break
    chosen.add(path)
    left -= bytes
  }
  return chosen
}

interface Removal {
  /** Bytes to free. */
  readonly excess: number
  readonly isChosen: Choice
  readonly removed: ReturnType<typeof createRemovedFiles>
}

/** Deletes chosen entries until the excess is gone. Returns the bytes that are still to be freed. */
async function removeEntries(path: string, { excess, isChosen, removed }: Removal): Promise<number> {
  let left = excess
  await walk(path, async (entry) => {
    if (left <= 0) return false
    if (!isChosen(entry)) return true
    const { parent, name, stats } = entry
    const kind = stats.isDirectory() ? "directory" : "file"
    if (!(await isRemoved(parent, name, kind))) return true
    left -= bytesOnDisk(stats)
    if (kind === "file") removed.add(entry)
    return true
  })
  return left
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

async function isRemoved(parent: Directory, name: string, kind: "file" | "directory"): Promise<boolean> {
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
