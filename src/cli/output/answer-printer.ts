import type { TextOutput } from "../cli-context.ts"

export interface AnswerPrinter {
  onText(text: string): void
  /** Discards the text since the end of the last message: the model starts that message again. */
  onRetry(error: { readonly message: string }): void
  /** Ends a line that was begun on a terminal, because something else is printed there next. */
  endLine(): void
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
  /** If true, the text is followed by a line of something else. */
  let endsLine = false
  const write = (text: string) => {
    if (text === "") return
    output.write(text)
    last = text
    endsLine = false
  }
  return {
    onText(text) {
      if (isLive) return write(text === "\n\n" && endsLine ? "\n" : text)
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
    endLine() {
      if (!isLive || last === "" || last.endsWith("\n")) return
      write("\n")
      endsLine = true
    },
    end() {
      write(held)
      if (last !== "" && !last.endsWith("\n")) output.write("\n")
    },
  }
}
