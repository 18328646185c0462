import type { Progress } from "@modelcontextprotocol/client"
import { truncateText } from "../short-text.ts"

export interface ProgressLines {
  show(progress: Progress): void
  /** Shows lines that are still held back. */
  end(): void
}

const minIntervalMs = 100
const maxMessageCharacters = 1_000

/**
 * Shows a call's progress as lines of output, at most ten a second. If progress is faster, only the latest line is
 * shown.
 */
export function createProgressLines(emit: (line: string) => void): ProgressLines {
  let pendingProgress: Progress | null = null
  let timer: NodeJS.Timeout | null = null

  function flush(): void {
    timer = null
    if (pendingProgress === null) return
    emit(formatLine(pendingProgress))
    pendingProgress = null
    timer = setTimeout(flush, minIntervalMs)
  }

  return {
    show(progress) {
      pendingProgress = progress
      if (timer === null) flush()
    },
    end() {
      if (timer !== null) clearTimeout(timer)
      timer = null
      if (pendingProgress !== null) emit(formatLine(pendingProgress))
      pendingProgress = null
    },
  }
}

function formatLine({ progress, total, message }: Progress): string {
  const count = total === undefined ? `${progress}` : `${progress}/${total}`
  return message === undefined ? `${count}\n` : `${count} ${truncateText(message, maxMessageCharacters)}\n`
}
