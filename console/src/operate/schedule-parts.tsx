import { useState } from "preact/hooks"
import { call } from "../api.ts"
import { formatHref } from "../router.ts"
import type { ListedSchedule } from "./operator-types.ts"

/** Describes the times of a schedule in a few words. */
export function formatTimes({ spec }: ListedSchedule): string {
  if (spec.cron !== undefined) return `${spec.cron} (${spec.timezone})`
  if (spec.every !== undefined) return `every ${spec.every}`
  return spec.at === undefined ? "" : `once, ${new Date(spec.at).toLocaleString()}`
}

export function OwnerLink({ schedule: { tenant, userId } }: { readonly schedule: ListedSchedule }) {
  return (
    <a class="quiet" href={formatHref(["sessions"], { tenant, user: userId })} title={tenant}>
      {userId}
    </a>
  )
}

type Action = "pause" | "resume" | "run"

/** Buttons that change a schedule, with the error of the last change. */
export function ScheduleActions({
  schedule,
  onChanged,
}: {
  readonly schedule: ListedSchedule
  readonly onChanged: () => void
}) {
  const [pending, setPending] = useState<Action | null>(null)
  const [problem, setProblem] = useState<string | null>(null)
  const { id, name, state, isRunning } = schedule

  const change = (action: Action) => {
    setPending(action)
    setProblem(null)
    call("POST", `schedules/${encodeURIComponent(id)}/${action}`)
      .then(onChanged, (error: Error) => setProblem(error.message))
      .finally(() => setPending(null))
  }
  const renderButton = (action: Action, label: string, isDisabled = false) => (
    <button
      type="button"
      disabled={isDisabled || pending !== null}
      aria-label={`${label}: ${name}`}
      onClick={() => change(action)}
    >
      {pending === action ? "One moment…" : label}
    </button>
  )

  return (
    <>
      <span class="actions">
        {state === "active" && renderButton("pause", "Pause")}
        {state === "paused" && renderButton("resume", "Resume")}
        {renderButton("run", "Run now", isRunning)}
      </span>
      {problem !== null && (
        <p class="field-error" role="alert">
          {problem}
        </p>
      )}
    </>
  )
}
