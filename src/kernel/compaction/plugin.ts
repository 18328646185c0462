import type { Plugin } from "../../core/ports/plugin.ts"
import { createCompaction } from "./create-compaction.ts"
import type { CompactionOptions } from "./options.ts"

/** Creates the plugin that replaces older messages by summaries if a conversation is too long for a model. */
export function compactionPlugin(options: CompactionOptions): Plugin {
  const compaction = createCompaction(options)
  return { name: "compaction", setup: () => ({ openRun: () => ({ compaction }) }) }
}
