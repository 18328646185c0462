import { useState } from "preact/hooks"
import { JsonView } from "../ui/json-view.tsx"
import type { EventEntry } from "./operator-types.ts"

/** All events with their raw JSON. */
export function EventList({ entries }: { readonly entries: readonly EventEntry[] }) {
  if (entries.length === 0) return <p class="hint">No events.</p>
  return (
    <ul class="events">
      {entries.map((entry) => (
        <li key={entry.seq}>
          <EventLine entry={entry} />
        </li>
      ))}
    </ul>
  )
}

function EventLine({ entry }: { readonly entry: EventEntry }) {
  const [isOpen, setOpen] = useState(false)
  const { seq, at, event } = entry
  return (
    <>
      <button type="button" class="event-head" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        <span class="event-seq">{seq}</span>
        <time dateTime={new Date(at).toISOString()}>{new Date(at).toLocaleTimeString()}</time>
        <span class="event-type">{event.type}</span>
        <span class="event-detail">{detailOf(event)}</span>
      </button>
      {isOpen && <JsonView value={entry} />}
    </>
  )
}

function detailOf(event: EventEntry["event"]): string {
  const parts = [event.name, event.toolName, event.model, event.code, event.reason, event.disposition]
  return parts.filter((part) => typeof part === "string").join(" · ")
}
