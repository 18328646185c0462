import { formatDuration } from "../ui/format.ts"
import type { EventEntry } from "./operator-types.ts"
import { type Span, toSpans } from "./timeline.ts"

/** The turns, model calls, tools and waits of a run as a waterfall. */
export function RunTimeline({ entries }: { readonly entries: readonly EventEntry[] }) {
  const spans = toSpans(entries)
  const first = entries[0]
  const last = entries.at(-1)
  if (first === undefined || last === undefined || spans.length === 0) {
    return <p class="hint">The run has not started, or its events are not loaded yet.</p>
  }
  const isOpen = spans.some(({ end }) => end === null)
  const start = first.at
  const total = Math.max((isOpen ? Date.now() : last.at) - start, 1)

  return (
    <ol class="timeline">
      {spans.map((span) => (
        <Bar key={span.id} span={span} start={start} total={total} />
      ))}
    </ol>
  )
}

function Bar({
  span,
  start,
  total,
}: {
  readonly span: Span
  readonly start: number
  readonly total: number
}) {
  const end = span.end ?? start + total
  const duration = end - span.start
  const left = (100 * (span.start - start)) / total
  const width = Math.max((100 * duration) / total, 0.5)
  const words = span.outcome === "open" ? "open" : formatDuration(duration)
  return (
    <li class={`span-${span.kind} ${span.outcome}`}>
      <span class="span-label">{span.label}</span>
      <span class="span-track" aria-hidden="true">
        <span
          class="span-bar"
          style={{ left: `${Math.min(left, 99.5)}%`, width: `${Math.min(width, 100 - left)}%` }}
        />
      </span>
      <span class="span-words">
        {words}
        {span.outcome === "failed" && <span class="visually-hidden"> failed</span>}
      </span>
      <span class="span-detail" title={span.detail}>
        {span.detail}
      </span>
    </li>
  )
}
