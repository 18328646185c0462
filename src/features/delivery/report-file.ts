import { isUtf8 } from "node:buffer"
import { readFile, stat } from "node:fs/promises"
import { basename } from "node:path"
import { UndeliverableError } from "../../core/errors.ts"
import type { TelegramFile } from "./options.ts"

/** Maximum characters that are sent as messages. */
const maxCharacters = 100_000
/** Maximum bytes of a document at Telegram. */
const maxBytes = 50 * 1_000 * 1_000

export interface Report {
  /** Content to send as messages. */
  readonly text?: string
  /** Content to send as a document. */
  readonly file?: TelegramFile
}

/**
 * Reads a file that the agent has written. A missing or blank file leads to an empty report. Rejects with an
 * `UndeliverableError` if the file is larger than Telegram accepts.
 */
export async function readReport(path: string): Promise<Report> {
  try {
    const { size } = await stat(path)
    if (size > maxBytes)
      throw new UndeliverableError(`sendFile: ${path} has more than 50 MB. Write a shorter file.`)
    const content = await readFile(path)
    if (!isUtf8(content)) return { file: { name: basename(path), content } }
    const text = content.toString("utf8").trim()
    if (text === "") return {}
    return text.length <= maxCharacters ? { text } : { file: { name: basename(path), content } }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {}
    throw error
  }
}
