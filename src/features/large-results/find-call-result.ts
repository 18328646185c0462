import type { PluginServices } from "../../core/ports/plugin.ts"
import type { ToolResult } from "../../core/ports/tools/tool.ts"

/**
 * Resolves to the result of a call from the log, even if the model no longer sees it. Reads the log from its start,
 * page by page.
 */
export async function findCallResult(
  { readEvents }: Pick<PluginServices, "readEvents">,
  {
    sessionId,
    toolCallId,
    signal,
  }: Readonly<Record<"sessionId" | "toolCallId", string>> & { signal: AbortSignal },
): Promise<ToolResult | null> {
  for (let afterSeq = 0; ; ) {
    signal.throwIfAborted()
    const entries = await readEvents(sessionId, afterSeq)
    for (const { event, seq } of entries) {
      if (event.type === "toolCallCompleted" && event.toolCallId === toolCallId) return event.result
      afterSeq = seq
    }
    if (entries.length === 0) return null
  }
}
