import type { TextOutput } from "../cli-context.ts"

export interface AnswerPrinter {
  onText(text: string): void
  /** Discards the text since the end of the last message, because the model writes that message again. */
  onRetry(error: { readonly message: string }): void
  /** Ends an unfinished line at a terminal, so that a line on standard error does not continue it. */
  endLine(): void
  end(): void
}

/**
 * Prints the model's text. A terminal receives it as it streams, with a notice if the model starts again. A file or a
 * pipe receives each message when it is complete, so that it never contains a text twice.
 */
export function createAnswerPrinter({
  answerOutput: output,
  stderr,
}: {
  readonly answerOutput: TextOutput
  readonly stderr: TextOutput
}): AnswerPrinter {
  const isLive = output.isTTY === true
  const isShared = isLive && stderr.isTTY === true
  let pendingText = ""
  let last = ""
  /** If true, other output has followed the text and has ended its line. */
  let endsLine = false
  const isAtLineStart = () => last === "" || last.endsWith("\n")
  const write = (text: string) => {
    if (text === "") return
    output.write(text)
    last = text
    endsLine = false
  }
  return {
    onText(text) {
      if (isLive) return write(text === "\n\n" && endsLine ? "\n" : text)
      // This is the blank line before a message. The previous one has ended.
      if (text === "\n\n") {
        write(pendingText)
        pendingText = text
      } else pendingText += text
    },
    onRetry({ message }) {
      if (isLive && !isAtLineStart()) write("\n")
      pendingText = pendingText.startsWith("\n\n") ? "\n\n" : ""
      stderr.write(`agent-gateway: ${message} The gateway retries the model call.\n`)
    },
    endLine() {
      if (!isShared || isAtLineStart()) return
      write("\n")
      endsLine = true
    },
    end() {
      write(pendingText)
      if (!isAtLineStart()) output.write("\n")
    },
  }
}
