import { styleText } from "node:util"
import { escapeControls } from "../../core/text/escape-controls.ts"
import type { CliContext, CliOutput, ProcessContext, TextOutput } from "../cli-context.ts"

/**
 * Returns outputs on which no text can act on the terminal. Otherwise a tool's arguments, a server's messages or a
 * model's text could move the cursor, and show another command than the one that awaits approval.
 */
export function escapeOutputs({
  stdout,
  stderr,
}: Pick<ProcessContext, "stdout" | "stderr">): Pick<
  CliContext,
  "stdout" | "stderr" | "answerOutput" | "logOutput"
> {
  const escaped = escapeOutput(stdout)
  return {
    stdout: escaped,
    stderr: escapeOutput(stderr),
    answerOutput: stdout.isTTY === true ? escaped : stdout,
    logOutput: stderr,
  }
}

function escapeOutput(output: TextOutput): CliOutput {
  const isTTY = output.isTTY === true
  const hasColors = isTTY && output.hasColors?.() === true
  return {
    isTTY,
    columns: isTTY ? output.columns : undefined,
    write: (text) => output.write(escapeControls(text)),
    writeStyled(format, text) {
      const escaped = escapeControls(text)
      return output.write(hasColors ? styleText(format, escaped, { validateStream: false }) : escaped)
    },
  }
}
