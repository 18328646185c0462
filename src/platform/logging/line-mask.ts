import type { OutputFilter } from "../../core/ports/model/output-filter.ts"
import { createAssignmentPattern, createMask, redacted } from "./mask.ts"

/** Maximum characters that are held back. */
const maxHeld = 16_384
/** Characters of such a text that are still held back then. A longer secret may be shown in two parts. */
const keptHeld = 4_096
/**
 * Maximum characters of a private key that are removed, so that a key without an end does not hide all following
 * text.
 */
const maxLeftOut = 65_536
const keyBegins = /^-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----/
const keyEnds = /-----END [A-Z ]{0,40}PRIVATE KEY-----/
/** Longer than the last line of a key. */
const keyEndCharacters = 80
/** Longer than the text before a value on the next line. */
const assignmentCharacters = 512
const passwords = '\\b\\w{0,40}(?:api_?key|access_?key|token|secret|password|passwd)"\\s{0,40}:\\s{0,40}'

/**
 * Masks a stream of text line by line, so that a secret is found wherever the chunks split it. Lines are held back
 * while the next one may belong to the same secret: in a private key, and after a name whose value has not started.
 */
export function createLineMask(names: readonly string[]): OutputFilter {
  const mask = createMask(names)
  const openAssignment = new RegExp(
    `(?:${[passwords, ...names.map(createAssignmentPattern)].join("|")})$`,
    "iu",
  )
  let pendingText = ""
  /** Remaining characters of a private key that may be removed. 0 outside a key. */
  let leftOut = 0

  function release(length: number): string {
    const released = pendingText.slice(0, length)
    pendingText = pendingText.slice(length)
    return released === "" ? "" : mask(released)
  }

  /** Returns the end of the text that can be shown now. The last lines after it are held back. */
  function endOfShowable(lines: string): number {
    const key = findOpenKey(lines)
    if (key !== -1) return key
    const tail = lines.slice(-assignmentCharacters)
    const assignment = openAssignment.exec(tail)
    return assignment === null ? lines.length : lines.length - tail.length + assignment.index
  }

  function releaseSome(): string {
    const key = findOpenKey(pendingText)
    const position = endOfWord(pendingText, pendingText.length - keptHeld)
    if (key === -1 || key >= position) return release(position)
    const shown = release(key) + redacted
    leftOut = maxLeftOut
    leaveOut()
    return shown
  }

  /** Drops the held text that is part of the key. */
  function leaveOut(): void {
    const end = keyEnds.exec(pendingText)
    const length =
      end === null ? Math.max(0, pendingText.length - keyEndCharacters) : end.index + end[0].length
    pendingText = pendingText.slice(Math.min(length, leftOut))
    leftOut = end === null ? Math.max(0, leftOut - length) : 0
  }

  return {
    push(text) {
      pendingText += text
      if (leftOut > 0) leaveOut()
      if (leftOut > 0) return ""
      const endOfLine = Math.max(pendingText.lastIndexOf("\n"), pendingText.lastIndexOf("\r")) + 1
      const showable = endOfShowable(pendingText.slice(0, endOfLine))
      return pendingText.length - showable <= maxHeld ? release(showable) : releaseSome()
    },
    end() {
      if (leftOut > 0) pendingText = ""
      return release(pendingText.length)
    },
  }
}

/** Returns the start of an unfinished private key, or -1 if there is none. */
function findOpenKey(text: string): number {
  const begin = text.lastIndexOf("-----BEGIN ")
  if (begin === -1) return -1
  const key = text.slice(begin)
  return keyBegins.test(key) && !keyEnds.test(key) ? begin : -1
}

/** Returns the end of the last word before the position, or the position if the text has no spaces. */
function endOfWord(text: string, position: number): number {
  const space = text.lastIndexOf(" ", position)
  return space === -1 ? position : space + 1
}
