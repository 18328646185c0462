import { useState } from "preact/hooks"
import { formatDuration } from "../ui/format.ts"
import { JsonView } from "../ui/json-view.tsx"
import type { EventEntry } from "./operator-types.ts"

/** All events with their raw JSON. */
export function EventList({ entries }: { readonly entries: readonly EventEntry[] }) {
  const [first] = entries
  if (first === undefined) return <p class="hint">No events.</p>
  return (
    <ul class="events">
      {entries.map((entry) => (
        <li key={entry.seq}>
          <EventLine entry={entry} start={first.at} />
        </li>
      ))}
    </ul>
  )
}

interface EventLineProps {
  readonly entry: EventEntry
  /** Time of the first event, in milliseconds since the Unix epoch. */
  readonly start: number
}

function EventLine({ entry, start }: EventLineProps) {
  const [isOpen, setOpen] = useState(false)
  const { seq, at, event } = entry
  return (
    <>
      <button type="button" class="event-head" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        <time dateTime={new Date(at).toISOString()} title={new Date(at).toLocaleString()}>
          {at === start ? new Date(at).toLocaleTimeString() : `+${formatDuration(at - start)}`}
        </time>
        <span class="event-type">{event.type}</span>
        <span class="event-detail">{formatDetail(event)}</span>
        <span class="event-seq">{seq}</span>
      </button>
      {isOpen && <JsonView value={entry} />}
    </>
  )
}

function formatDetail(event: EventEntry["event"]): string {
  const { name, toolName, model, code, reason, disposition, providerMessage } = event
  const parts = [name, toolName, model, code, reason, disposition, providerMessage]
  return parts.filter((part) => typeof part === "string").join(" · ")
}
