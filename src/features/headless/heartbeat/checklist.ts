import { constants } from "node:fs"
import { open } from "node:fs/promises"
import { toError } from "../../../core/errors.ts"

export type Checklist =
  | { readonly type: "tasks"; readonly text: string }
  /** There is no such file, or it contains no tasks. */
  | { readonly type: "empty" }
  | { readonly type: "unusable"; readonly problem: string }

const maxBytes = 64 * 1024

/** Reads the checklist of a heartbeat. Headings, blank lines and comments are not tasks. */
export async function readChecklist(path: string): Promise<Checklist> {
  let file: Awaited<ReturnType<typeof open>>
  try {
    // Otherwise opening a pipe without a writer would block.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { type: "empty" }
    return createUnusable(toError(error).message)
  }
  try {
    const stat = await file.stat()
    if (!stat.isFile()) return createUnusable("it is not a regular file")
    const { buffer, bytesRead } = await file.read(Buffer.alloc(maxBytes + 1), 0, maxBytes + 1, 0)
    if (bytesRead > maxBytes) return createUnusable(`it has more than ${maxBytes} bytes`)
    const text = buffer.toString("utf8", 0, bytesRead)
    return hasTasks(text) ? { type: "tasks", text } : { type: "empty" }
  } catch (error) {
    return createUnusable(toError(error).message)
  } finally {
    await file.close()
  }
}

function hasTasks(text: string): boolean {
  const lines = text.replace(/^\ufeff/, "").replaceAll(/<!--[\s\S]*?-->/g, "")
  return lines.split(/\r\n|\n|\r/).some((line) => line.trim() !== "" && !/^\s*#/.test(line))
}

function createUnusable(problem: string): Checklist {
  return { type: "unusable", problem: `The checklist cannot be used: ${problem}.` }
}
