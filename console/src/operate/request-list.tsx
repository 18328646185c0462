import { useState } from "preact/hooks"
import { formatDuration } from "../ui/format.ts"
import { JsonView } from "../ui/json-view.tsx"
import type { KeptAttempt, ShownAttempt } from "./operator-types.ts"
import { Pending } from "./page-parts.tsx"
import { useLoaded } from "./use-loaded.ts"

export interface RequestListProps {
  readonly sessionId: string
  readonly attempts: readonly KeptAttempt[]
}

/** The model attempts whose requests are kept. Each unfolds its request and the beginning of the response. */
export function RequestList({ sessionId, attempts }: RequestListProps) {
  return (
    <ul class="events">
      {attempts.map((attempt) => (
        <li key={attempt.id}>
          <RequestLine sessionId={sessionId} attempt={attempt} />
        </li>
      ))}
    </ul>
  )
}

interface RequestLineProps {
  readonly sessionId: string
  readonly attempt: KeptAttempt
}

function RequestLine({ sessionId, attempt }: RequestLineProps) {
  const [isOpen, setOpen] = useState(false)
  const { id, at, purpose, provider, model, code, durationMs } = attempt
  const details = [provider, model, code, durationMs === null ? null : formatDuration(durationMs)]
  return (
    <>
      <button type="button" class="event-head" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        <time dateTime={new Date(at).toISOString()} title={new Date(at).toLocaleString()}>
          {new Date(at).toLocaleTimeString()}
        </time>
        <span class="event-type">{purpose}</span>
        <span class="event-detail">{details.filter((detail) => detail !== null).join(" · ")}</span>
      </button>
      {isOpen && <Request sessionId={sessionId} id={id} />}
    </>
  )
}

function Request({ sessionId, id }: { readonly sessionId: string; readonly id: string }) {
  const path = `sessions/${encodeURIComponent(sessionId)}/attempts/${encodeURIComponent(id)}`
  const { data, problem } = useLoaded<ShownAttempt>(path, {}, false)
  if (data === null) return <Pending problem={problem} />
  const { form, url, headers, body, response } = data
  return (
    <>
      <JsonView label="Request" value={form === "http" ? { url, headers, body } : { body }} />
      {response !== null && <JsonView label="Response" value={response} />}
    </>
  )
}
