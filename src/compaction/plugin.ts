import type { Plugin } from "../core/ports/plugin.ts"
import { createCompaction } from "./create-compaction.ts"
import type { CompactionOptions } from "./options.ts"

/** Makes room in a model's window by summaries of older messages. */
export function compactionPlugin(options: CompactionOptions): Plugin {
  const compaction = createCompaction(options)
  return { name: "compaction", setup: () => ({ openRun: () => ({ compaction }) }) }
}
