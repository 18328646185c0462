import type { TextOutput } from "../cli-context.ts"

export interface AnswerPrinter {
  onText(text: string): void
  /** Discards the text since the end of the last message: the model starts that message again. */
  onRetry(error: { readonly message: string }): void
  end(): void
}

/**
 * Prints the model's text. A terminal gets it as it streams, with a notice when the model starts again; a file or a
 * pipe gets each message when it is complete, so that it never holds a text twice.
 */
export function answerPrinter({
  answerOutput: output,
  stderr,
}: {
  readonly answerOutput: TextOutput
  readonly stderr: TextOutput
}): AnswerPrinter {
  const isLive = output.isTTY === true
  let held = ""
  let last = ""
  const write = (text: string) => {
    if (text === "") return
    output.write(text)
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
      stderr.write(`agent-gateway: ${message} The model responds again.\n`)
    },
    end() {
      write(held)
      if (last !== "" && !last.endsWith("\n")) output.write("\n")
    },
  }
}
