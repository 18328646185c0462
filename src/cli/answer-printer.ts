import type { CliContext } from "./cli-context.ts"

export interface AnswerPrinter {
  onText(text: string): void
  /** What came since the last message's end is void: the model begins it again. */
  onRetry(error: { readonly message: string }): void
  end(): void
}

/**
 * Prints an answer as it comes. To a terminal at once, with a word on it when the model begins again; anywhere else a
 * message is written when it is over, so that a file never holds a text twice.
 */
export function answerPrinter({ stdout, stderr }: Pick<CliContext, "stdout" | "stderr">): AnswerPrinter {
  const isLive = stdout.isTTY === true
  let held = ""
  let last = ""
  const write = (text: string) => {
    if (text === "") return
    stdout.write(text)
    last = text
  }
  return {
    onText(text) {
      if (isLive) return write(text)
      // The blank line before a message: the one before it is over.
      if (text === "\n\n") {
        write(held)
        held = text
      } else held += text
    },
    onRetry({ message }) {
      if (isLive) write("\n")
      held = held.startsWith("\n\n") ? "\n\n" : ""
      stderr.write(`agent-gateway: ${message} The model answers again.\n`)
    },
    end() {
      write(held)
      if (last !== "" && !last.endsWith("\n")) stdout.write("\n")
    },
  }
}
