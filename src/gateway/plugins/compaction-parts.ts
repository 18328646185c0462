import { ConfigurationError } from "../../core/errors.ts"
import type { Message } from "../../core/history/messages.ts"
import type { Logger } from "../../core/ports/logger.ts"
import type { HistoryCompaction } from "../../core/ports/model/compaction.ts"
import type { RunParts } from "../../core/ports/plugin.ts"
import { callBounded } from "../../core/time/call-bounded.ts"

interface OpenedPart {
  readonly plugin: string
  readonly parts: RunParts
}

/** Maximum characters of all notes beside one summary. */
const maxCharacters = 100_000

/** Returns the compaction of the one plugin that has it. Throws a `ConfigurationError` if two have. */
export function findCompaction(opened: readonly OpenedPart[]): HistoryCompaction | null {
  const [first, second] = opened.filter(({ parts }) => parts.compaction !== undefined)
  if (first !== undefined && second !== undefined) {
    throw new ConfigurationError(
      `plugins: both ${first.plugin} and ${second.plugin} compact conversations. Use one of them, with ` +
        "compaction: false if it is not the built-in one.",
    )
  }
  return first?.parts.compaction ?? null
}

/** Collects the notes of all plugins. Leaves out notes that fail. */
export async function collectCompactionNotes(
  opened: readonly OpenedPart[],
  {
    messages,
    signal,
    timeoutMs,
    logger,
  }: {
    readonly messages: readonly Message[]
    readonly signal: AbortSignal
    readonly timeoutMs: number
    readonly logger: Logger
  },
): Promise<readonly string[]> {
  const notes = await Promise.all(
    opened.map(async ({ plugin, parts }) => {
      if (parts.compactionNotes === undefined) return []
      try {
        const bounds = { name: `compactionNotes of the plugin ${plugin}`, signal, timeoutMs }
        return await callBounded(
          async (stop) => parts.compactionNotes?.({ messages, signal: stop }) ?? [],
          bounds,
        )
      } catch (error) {
        if (!signal.aborted) {
          logger.error(
            { plugin, error },
            "A plugin failed to add to a summary. The model does not see its notes.",
          )
        }
        return []
      }
    }),
  )
  let left = maxCharacters
  return notes.flat().filter((note) => {
    left -= note.length
    return note !== "" && left >= 0
  })
}
