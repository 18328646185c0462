import type { ViewCompactionPart } from "ai-agent-gateway/client/view"
import { useEffect, useState } from "preact/hooks"
import { call } from "../api.ts"
import { Markdown } from "../markdown/markdown.tsx"
import { countText, formatCost } from "../ui/format.ts"
import { Icon } from "../ui/icons.tsx"

export interface CompactionMarkProps {
  readonly mark: ViewCompactionPart
  /** Session of the mark. Null for a sub-agent, whose summaries are in its own log. */
  readonly sessionId: string | null
}

/** A divider at the place where a summary replaced the earlier messages for the model. It unfolds the summary. */
export function CompactionMark({ mark, sessionId }: CompactionMarkProps) {
  const [isOpen, setOpen] = useState(false)
  const { cursor, tokens_before, tokens_after } = mark
  const tokens = `${countText(tokens_before)} → ${countText(tokens_after)} tokens`
  const label = (
    <>
      <Icon name="fold" />
      Earlier messages were summarized here
      <span class="compaction-tokens">{tokens}</span>
    </>
  )
  if (cursor === null || sessionId === null) {
    return (
      <div class="compaction">
        <p class="compaction-line">{label}</p>
      </div>
    )
  }
  return (
    <details class="compaction" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary class="compaction-line">
        {label}
        <Icon name="chevron" />
      </summary>
      {isOpen && <Summary sessionId={sessionId} cursor={cursor} tokens={tokens} />}
    </details>
  )
}

interface LoadedSummary {
  readonly summary: string
  readonly model: string
  readonly cost: number | null
}

interface SummaryProps {
  readonly sessionId: string
  readonly cursor: number
  /** Tokens of the request, without and with the summary. */
  readonly tokens: string
}

function Summary({ sessionId, cursor, tokens }: SummaryProps) {
  const [loaded, setLoaded] = useState<LoadedSummary | null>(null)
  const [problem, setProblem] = useState<string | null>(null)
  useEffect(() => {
    const controller = new AbortController()
    const { signal } = controller
    call<LoadedSummary>("GET", `sessions/${encodeURIComponent(sessionId)}/compactions/${cursor}`, {
      signal,
    }).then(setLoaded, (error: Error) => {
      if (!signal.aborted) setProblem(error.message)
    })
    return () => controller.abort()
  }, [sessionId, cursor])

  if (problem !== null) return <p class="field-error">{problem}</p>
  if (loaded === null) return <p class="hint">Loading the summary…</p>
  return (
    <div class="compaction-summary">
      <p class="hint">
        From here on, the model receives this summary in place of older messages ({tokens}). {loaded.model}{" "}
        wrote it for {formatCost(loaded.cost)}.
      </p>
      <Markdown text={loaded.summary} />
    </div>
  )
}
