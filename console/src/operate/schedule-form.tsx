import { useState } from "preact/hooks"
import { toVisibleText } from "../ui/visible-text.ts"
import type { ListedSchedule } from "./operator-types.ts"

type Spec = ListedSchedule["spec"]
type Kind = "cron" | "every" | "at"

/** The terms of a schedule as the gateway takes them. */
export interface Terms {
  readonly cron?: string
  readonly every?: string
  readonly at?: string
  readonly timezone?: string
  readonly message: string
  readonly session: Spec["session"]
  readonly overlap: Spec["overlap"]
  readonly catchUp?: Spec["catchUp"]
  readonly maxTurns?: number
  readonly maxBudgetUsd?: number
}

export interface Draft {
  readonly agent: string
  readonly name: string
  readonly terms: Terms
}

export interface ScheduleFormProps {
  /** The schedule to change. Null for a new one. */
  readonly schedule: ListedSchedule | null
  /** Agents whose schedules fire. */
  readonly agents: readonly string[]
  /** Rejects with the reason why the gateway refuses the schedule. */
  readonly onSave: (draft: Draft) => Promise<void>
  readonly onCancel: () => void
}

const kinds: Readonly<Record<Kind, { readonly label: string; readonly hint: string }>> = {
  cron: {
    label: "Cron expression",
    hint: "Minute, hour, day, month, weekday: 0 7 * * 1-5 is 7:00 on weekdays.",
  },
  every: { label: "Interval", hint: "For example 15m, 6h or 7d." },
  at: { label: "Time", hint: "The schedule fires once, at this time of your device." },
}

/** The form for a new schedule, or for the terms of an existing one. */
export function ScheduleForm({ schedule, agents, onSave, onCancel }: ScheduleFormProps) {
  const spec = schedule?.spec
  const [kind, setKind] = useState<Kind>(
    spec?.every !== undefined ? "every" : spec?.at !== undefined ? "at" : "cron",
  )
  const [isSaving, setSaving] = useState(false)
  const [problem, setProblem] = useState<string | null>(null)
  const { label, hint } = kinds[kind]

  const save = (event: SubmitEvent) => {
    event.preventDefault()
    const data = new FormData(event.currentTarget as HTMLFormElement)
    const readField = (name: string) => String(data.get(name) ?? "").trim()
    const draft = {
      agent: schedule?.agent ?? (readField("agent") || (agents[0] ?? "")),
      name: schedule?.name ?? readField("name"),
      terms: createTerms(kind, readField, spec),
    }
    setSaving(true)
    setProblem(null)
    onSave(draft).catch((error: Error) => {
      setProblem(error.message)
      setSaving(false)
    })
  }

  return (
    <form class="card schedule-form" onSubmit={save}>
      {schedule === null && (
        <>
          {agents.length > 1 && (
            <label>
              Agent
              <select name="agent">
                {agents.map((name) => (
                  <option key={name}>{name}</option>
                ))}
              </select>
            </label>
          )}
          <label>
            Name
            <input name="name" required maxLength={64} placeholder="morning-briefing" autoComplete="off" />
          </label>
        </>
      )}
      <label>
        Message to the agent
        <textarea
          name="message"
          required
          rows={3}
          maxLength={16_384}
          defaultValue={toVisibleText(spec?.message ?? "")}
        />
      </label>
      <div class="field-row">
        <label>
          Times
          <select value={kind} onChange={(event) => setKind(event.currentTarget.value as Kind)}>
            <option value="cron">Cron expression</option>
            <option value="every">Every so often</option>
            <option value="at">Once</option>
          </select>
        </label>
        <label>
          {label}
          <input
            key={kind}
            name="time"
            // The types of elements know no field whose type changes.
            type={(kind === "at" ? "datetime-local" : "text") as "text"}
            required
            autoComplete="off"
            defaultValue={formatTime(kind, spec)}
          />
          <span class="hint">{hint}</span>
        </label>
        {kind === "cron" && (
          <label>
            Time zone
            <input name="timezone" autoComplete="off" defaultValue={spec?.timezone ?? readTimezone()} />
          </label>
        )}
      </div>
      <div class="field-row">
        <label>
          Session
          <select name="session">
            <option value="fresh">New each time</option>
            <option value="continue" selected={spec?.session === "continue"}>
              Always the same
            </option>
          </select>
        </label>
        <label>
          While a run is open
          <select name="overlap">
            <option value="skip">Skip the occurrence</option>
            <option value="queue" selected={spec?.overlap === "queue"}>
              Wait for the run
            </option>
          </select>
        </label>
        <label>
          Maximum turns
          <input
            name="maxTurns"
            type="number"
            min={1}
            step={1}
            defaultValue={spec?.limits?.maxTurns?.toString() ?? ""}
          />
        </label>
        <label>
          Budget per run, USD
          <input
            name="maxBudgetUsd"
            type="number"
            min={0}
            step="any"
            defaultValue={spec?.limits?.maxBudgetUsd?.toString() ?? ""}
          />
        </label>
      </div>
      {problem !== null && (
        <p class="field-error" role="alert">
          {problem}
        </p>
      )}
      <div class="actions">
        <button type="submit" class="primary" disabled={isSaving}>
          {isSaving ? "Saving…" : schedule === null ? "Create the schedule" : "Save the changes"}
        </button>
        <button type="button" onClick={onCancel}>
          Back
        </button>
      </div>
    </form>
  )
}

function createTerms(kind: Kind, text: (name: string) => string, spec: Spec | undefined): Terms {
  const time = kind === "at" ? new Date(text("time")).toISOString() : text("time")
  const message = text("message")
  const [maxTurns, maxBudgetUsd] = [text("maxTurns"), text("maxBudgetUsd")]
  return {
    [kind]: time,
    ...(kind === "cron" && text("timezone") !== "" && { timezone: text("timezone") }),
    // Characters that cannot be seen are shown as escapes. A message that was not changed keeps them.
    message:
      spec?.message !== undefined && message === toVisibleText(spec.message).trim() ? spec.message : message,
    session: text("session") as Spec["session"],
    overlap: text("overlap") as Spec["overlap"],
    // The form does not show it, so it stays as it is.
    ...(spec !== undefined && { catchUp: spec.catchUp }),
    ...(maxTurns !== "" && { maxTurns: Number(maxTurns) }),
    ...(maxBudgetUsd !== "" && { maxBudgetUsd: Number(maxBudgetUsd) }),
  }
}

/** Returns the time of a schedule as its field takes it. A date and time is that of the device, without a zone. */
function formatTime(kind: Kind, spec: Spec | undefined): string {
  if (kind !== "at") return spec?.[kind] ?? ""
  if (spec?.at === undefined) return ""
  const offsetMs = new Date(spec.at).getTimezoneOffset() * 60_000
  return new Date(spec.at - offsetMs).toISOString().slice(0, 16)
}

function readTimezone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone
}
