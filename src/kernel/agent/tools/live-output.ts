import type { KeptOutput, ToolCallRequested } from "../../../core/log/entries.ts"
import type { Tool } from "../../../core/ports/tools/tool.ts"
import type { ModelRunContext } from "../run-context.ts"

/** Maximum characters of live output of one call. The result has a separate bound. */
const maxOutputCharacters = 1_000_000
/** Maximum characters of live output that the log keeps with the result of the call. */
const maxKeptCharacters = 4_000

type Stream = KeptOutput["stream"]

/** The live output of one execution of a call. */
export interface LiveOutput {
  /** False after the execution has ended. */
  readonly isOpen: boolean
  show(text: string, stream?: Stream): void
  close(): void
  /** Returns the end of the output, of at most 4 000 characters. */
  kept(): readonly KeptOutput[]
}

export function createLiveOutput(
  { journal, runtime: { outputFilter } }: ModelRunContext,
  tool: Tool,
  { stepId, toolCallId }: ToolCallRequested,
): LiveOutput {
  let open = true
  let chunk = 0
  let charactersLeft = maxOutputCharacters
  let kept: readonly KeptOutput[] = []
  const filters = { stdout: outputFilter?.(), stderr: outputFilter?.() }
  const send = (text: string, stream: Stream) => {
    if (text === "") return
    journal.emit({ type: "toolOutput", stepId, toolCallId, toolName: tool.name, stream, text, chunk })
    chunk += 1
    kept = keepEnd(kept, { stream, text })
  }
  return {
    get isOpen() {
      return open
    },
    show(text, stream = "stdout") {
      if (text === "" || charactersLeft <= 0) return
      const output =
        text.length > charactersLeft
          ? `${text.slice(0, charactersLeft)}\n[Further output is not shown.]`
          : text
      charactersLeft -= text.length
      send(filters[stream]?.push(output) ?? output, stream)
    },
    close() {
      if (!open) return
      open = false
      for (const stream of ["stdout", "stderr"] as const) send(filters[stream]?.end() ?? "", stream)
    },
    kept: () => kept,
  }
}

/** Appends a piece, joins it with the last one of its stream, and drops the beginning beyond the maximum. */
function keepEnd(kept: readonly KeptOutput[], piece: KeptOutput): readonly KeptOutput[] {
  const last = kept.at(-1)
  const all =
    last?.stream === piece.stream
      ? [...kept.slice(0, -1), { ...last, text: last.text + piece.text }]
      : [...kept, piece]
  let excess = all.reduce((sum, { text }) => sum + text.length, 0) - maxKeptCharacters
  if (excess <= 0) return all
  return all.flatMap(({ stream, text }) => {
    const dropped = Math.min(Math.max(excess, 0), text.length)
    excess -= dropped
    // Half of a character cannot be shown.
    const rest = text.slice(dropped).replace(/^[\udc00-\udfff]/, "")
    return rest === "" ? [] : [{ stream, text: rest }]
  })
}
