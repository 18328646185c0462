import { randomUUID } from "node:crypto"
import { dirname, join } from "node:path"
import type { RemovedFiles } from "../../../core/ports/tools/sandbox.ts"
import { type Directory, ignoreAbsent, isAbsent, isClosed, openDirectory } from "./directory.ts"
import { computeBytesOnDisk, type DiskUsage } from "./disk-usage.ts"
import { removeTree } from "./remove-tree.ts"
import { maxDepth, type Visited, walk } from "./walk.ts"

/** Maximum number of paths in a report. */
const maxReported = 20

export interface TrimOptions {
  readonly quota: DiskUsage
  /** Start of the execution, in milliseconds since the Unix epoch. */
  readonly startedAt: number
  /** If it aborts, the rest is left. */
  readonly signal: AbortSignal
}

/**
 * Deletes files until the rest is within the quota, so that an execution that filled the disk leaves room for the
 * next one. First it deletes files that the execution created, the largest first and of similar ones the newest
 * first. Only if that is not enough, it deletes earlier files that the execution changed, because they may contain
 * older data. Unchanged files remain.
 *
 * Meanwhile no code of the session runs that could fill the disk again without being stopped.
 */
export async function trimWorkspace(
  path: string,
  { quota, startedAt, signal }: TrimOptions,
): Promise<RemovedFiles> {
  const removed = createRemovedFiles()
  for (const isCandidate of [selectMadeSince(startedAt), selectChangedSince(startedAt)]) {
    const { usage, files } = await measureWhole(path, isCandidate, signal)
    let excess = selectLess(usage, quota)
    if (isNone(excess)) break
    const chosen = selectEnough(files, excess)
    const isChosen: Choice = (entry) => chosen.has(toPath(entry))
    excess = await removeEntries(path, { excess, isChosen, removed, signal })
    // Then empty folders and the many small files beyond the compared ones are deleted, in no order.
    await removeEntries(path, { excess, isChosen: isCandidate, removed, signal })
  }
  return removed.report()
}

function selectLess(a: DiskUsage, b: DiskUsage): DiskUsage {
  return { bytes: a.bytes - b.bytes, entries: a.entries - b.entries }
}

function isNone({ bytes, entries }: DiskUsage): boolean {
  return bytes <= 0 && entries <= 0
}

/** Joins the reports of two trims of the same execution. */
export function mergeRemoved(a: RemovedFiles, b: RemovedFiles): RemovedFiles {
  return { count: a.count + b.count, paths: [...a.paths, ...b.paths].slice(0, maxReported) }
}

function createRemovedFiles() {
  let count = 0
  const paths: string[] = []
  return {
    add(entry: Visited) {
      count += 1
      if (paths.length < maxReported) paths.push(Buffer.from(toPath(entry), "latin1").toString())
    },
    report: (): RemovedFiles => ({ count, paths }),
  }
}

type Choice = (entry: Visited) => boolean

const selectChangedSince = (moment: number): Choice => {
  return ({ stats }) => stats.ctimeMs >= moment
}
/**
 * Selects files that were created after this moment. If the file system does not store the creation time, the file
 * counts as an earlier one.
 */
const selectMadeSince = (moment: number): Choice => {
  return ({ stats }) => stats.birthtimeMs >= moment && stats.ctimeMs >= moment
}

const toPath = ({ prefix, name }: Visited) => prefix + name

interface Candidate {
  readonly path: string
  readonly bytes: number
  readonly madeAt: number
}

interface Survey {
  readonly usage: DiskUsage
  readonly files: readonly Candidate[]
  readonly isWhole: boolean
}

async function measureWhole(path: string, isCandidate: Choice, signal: AbortSignal): Promise<Survey> {
  const first = await measureUsage(path, isCandidate, signal)
  if (first.isWhole) return first
  await removeDeepTrees(path, signal)
  return measureUsage(path, isCandidate, signal)
}

/** Returns the disk usage of all entries, and the candidates that would be deleted first. */
async function measureUsage(path: string, isCandidate: Choice, signal: AbortSignal): Promise<Survey> {
  let bytes = 0
  let entries = 0
  let files: Candidate[] = []
  const visit = (entry: Visited) => {
    const { stats } = entry
    const size = computeBytesOnDisk(stats)
    bytes += size
    entries += 1
    if (!stats.isDirectory() && isCandidate(entry)) {
      files.push({ path: toPath(entry), bytes: size, madeAt: stats.birthtimeMs })
    }
    if (files.length >= 2 * maxCompared) files = selectFirst(files)
    return true
  }
  const outcome = await walk(path, visit, signal)
  return { usage: { bytes, entries }, files: selectFirst(files), isWhole: outcome === "done" }
}

/**
 * Maximum number of compared files. Code may create any number of files, and the memory for their names is bounded.
 */
const maxCompared = 10_000

function selectFirst(files: readonly Candidate[]): Candidate[] {
  return files.toSorted(compareCandidates).slice(0, maxCompared)
}

/** Compares files. Sizes within a factor of two are similar. */
function compareCandidates(a: Candidate, b: Candidate): number {
  const [sizeOfA, sizeOfB] = [a, b].map(({ bytes }) => Math.floor(Math.log2(bytes))) as [number, number]
  return sizeOfB - sizeOfA || b.madeAt - a.madeAt
}

/** Returns the paths of enough files to free that much. */
function selectEnough(files: readonly Candidate[], excess: DiskUsage): ReadonlySet<string> {
  const chosen = new Set<string>()
  let left = excess
  // The size of a file does not matter if only the number of entries is too high.
  for (const { path, bytes } of excess.bytes > 0 ? files : files.toReversed()) {
    if (isNone(left)) break
    chosen.add(path)
    left = selectLess(left, { bytes, entries: 1 })
  }
  return chosen
}

interface Removal {
  /** Bytes and entries to free. */
  readonly excess: DiskUsage
  readonly isChosen: Choice
  readonly removed: ReturnType<typeof createRemovedFiles>
  readonly signal: AbortSignal
}

/** Deletes selected entries until the excess is gone. Returns the remaining excess. */
async function removeEntries(
  path: string,
  { excess, isChosen, removed, signal }: Removal,
): Promise<DiskUsage> {
  let left = excess
  const visit = async (entry: Visited) => {
    if (isNone(left)) return false
    if (!isChosen(entry)) return true
    const { parent, name, stats } = entry
    const kind = stats.isDirectory() ? "directory" : "file"
    if (!(await isRemoved(parent, name, kind))) return true
    left = selectLess(left, { bytes: computeBytesOnDisk(stats), entries: 1 })
    if (kind === "file") removed.add(entry)
    return true
  }
  await walk(path, visit, signal)
  return left
}

/**
 * Removes folders that are too deep to inspect. They were created on purpose, so the whole tree is removed: it is
 * first moved into the folder above the working directory, which belongs to the gateway and which no code can change.
 */
async function removeDeepTrees(path: string, signal: AbortSignal): Promise<void> {
  const deep = new Set<string>()
  const visit = ({ prefix, name }: Visited) => {
    if (prefix.split("/").length === maxDepth) deep.add(prefix.slice(0, prefix.indexOf("/")) || name)
    return true
  }
  await walk(path, visit, signal)
  const above = dirname(path)
  const [root, target] = await Promise.all([path, above].map((folder) => openDirectory(folder)))
  if (root === undefined || target === undefined) return
  try {
    for (const name of deep) {
      const passing = `removing-${randomUUID()}`
      await root.move(name, target, passing).catch(ignoreAbsent)
      await removeTree(join(above, passing), signal)
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
