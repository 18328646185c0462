import { constants } from "node:fs"
import { lstat, open, readdir, realpath } from "node:fs/promises"
import { join, sep } from "node:path"
import { toError } from "../../../core/errors.ts"
import type { SkillFile } from "../skill.ts"
import type { Report } from "./report.ts"

const maxMarkdownBytes = 256 * 1024
const maxFileBytes = 8 * 1024 * 1024
const maxSkillBytes = 16 * 1024 * 1024
const maxFiles = 1_000
const maxDepth = 8

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants
/** Caches of programs that ran in the folder. Names with a leading dot are left out as well. */
const leftOut = new Set(["node_modules", "__pycache__"])

export function isLeftOut(name: string): boolean {
  return name.startsWith(".") || leftOut.has(name)
}

/** Reads a Markdown file as UTF-8. Returns null and reports the reason if it cannot be read. */
export async function readMarkdown(file: string, report: Report): Promise<string | null> {
  const content = await readRegularFile(file, file, maxMarkdownBytes, report)
  if (content === null) return null
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(content)
  } catch {
    report.add("specification", null, "The file must be UTF-8.", "Save it with that encoding.")
    return null
  }
}

/**
 * Reads the other files of a skill's folder. Reports files that are outside the folder or exceed a bound, and then
 * returns an incomplete list.
 */
export async function readSkillFiles(
  folder: string,
  markdown: string,
  report: Report,
): Promise<readonly SkillFile[]> {
  const root = await realpath(folder)
  const files: SkillFile[] = []
  let bytes = 0
  const add = (path: string, rule: string, remedy: string) =>
    report.add("gateway", null, `${path}: ${rule}`, remedy)

  /** Visits an entry. Returns false to stop. */
  async function visit(path: string, depth: number): Promise<boolean> {
    const absolute = join(root, path)
    const target = await linkTarget(absolute)
    if (target === null || !(target === root || target.startsWith(root + sep))) {
      add(path, "A link must not lead out of the skill's folder.", "Copy the file into the folder.")
      return true
    }
    const stats = await lstat(target)
    if (stats.isDirectory()) {
      if (target !== absolute) {
        add(path, "A link to a folder is not followed.", "Copy the folder, or remove the link.")
        return true
      }
      if (depth >= maxDepth) {
        add(path, `Folders nest at most ${maxDepth} levels deep.`, "Move its files up.")
        return true
      }
      return visitAll(path, depth + 1)
    }
    if (!stats.isFile()) {
      add(path, "Only regular files and folders are allowed.", "Remove it.")
      return true
    }
    if (files.length >= maxFiles) {
      add(path, `A skill has at most ${maxFiles} files.`, "Remove files, or split the skill.")
      return false
    }
    if (bytes + stats.size > maxSkillBytes) {
      add(
        path,
        `The files of a skill have at most ${maxSkillBytes} bytes together.`,
        "Remove files, or split the skill.",
      )
      return false
    }
    const content = await readRegularFile(target, path, maxFileBytes, report)
    if (content === null) return true
    bytes += content.length
    files.push({ path: path.split(sep).join("/"), content })
    return true
  }

  async function visitAll(path: string, depth: number): Promise<boolean> {
    const names = (await readdir(join(root, path))).filter((name) => !isLeftOut(name)).sort()
    for (const name of names) {
      const inside = join(path, name)
      if (inside !== markdown && !(await visit(inside, depth))) return false
    }
    return true
  }

  await visitAll("", 0)
  return files.sort((left, right) => (left.path < right.path ? -1 : 1))
}

/** Returns the target of a link. Null if it does not exist. */
async function linkTarget(path: string): Promise<string | null> {
  try {
    return await realpath(path)
  } catch (error) {
    const { code = "" } = toError(error) as NodeJS.ErrnoException
    if (["ENOENT", "ELOOP"].includes(code)) return null
    throw error
  }
}

/** Opens a file without following a link, and without waiting for the other end of a pipe. */
async function readRegularFile(
  file: string,
  name: string,
  maxBytes: number,
  report: Report,
): Promise<Uint8Array | null> {
  const add = (rule: string, remedy: string) =>
    report.add("gateway", null, name === file ? rule : `${name}: ${rule}`, remedy)
  let handle: Awaited<ReturnType<typeof open>>
  try {
    handle = await open(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  } catch (error) {
    add(
      `The file cannot be opened: ${toError(error).message}.`,
      "Make it a regular file that the gateway may read.",
    )
    return null
  }
  try {
    const stats = await handle.stat()
    if (!stats.isFile()) {
      add("This is not a regular file.", "Replace it with one.")
      return null
    }
    if (stats.size > maxBytes) {
      add(
        `The file has ${stats.size} bytes, more than the ${maxBytes} allowed.`,
        "Shorten it, or split it into several files.",
      )
      return null
    }
    const buffer = Buffer.alloc(stats.size)
    const { bytesRead } = await handle.read(buffer, 0, stats.size, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await handle.close()
  }
}
