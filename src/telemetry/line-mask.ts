import type { OutputFilter } from "../core/ports/output-filter.ts"
import type { Mask } from "./mask.ts"

/** Characters of an unfinished line that are held back at most. */
const maxHeld = 16_384
/** Characters of such a line that are still held back then: a secret that is longer may be shown in two parts. */
const keptHeld = 4_096

/** Masks a stream of text line by line, so that a secret is found wherever the chunks divide it. */
export function createLineMask(mask: Mask): OutputFilter {
  let held = ""
  const release = (length: number) => {
    const released = held.slice(0, length)
    held = held.slice(length)
    return released === "" ? "" : mask(released)
  }
  return {
    push(text) {
      held += text
      const endOfLine = Math.max(held.lastIndexOf("\n"), held.lastIndexOf("\r")) + 1
      const unfinished = held.length - endOfLine
      return release(unfinished <= maxHeld ? endOfLine : endOfWord(held, held.length - keptHeld))
    },
    end: () => release(held.length),
  }
}

/** Returns the end of the last word before the position, or the position if the text has no spaces. */
function endOfWord(text: string, position: number): number {
  const space = text.lastIndexOf(" ", position)
  return space === -1 ? position : space + 1
}
