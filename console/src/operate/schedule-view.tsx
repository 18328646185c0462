import { useState } from "preact/hooks"
import { call } from "../api.ts"
import { formatHref, navigate } from "../router.ts"
import { formatCost } from "../ui/format.ts"
import { Notice } from "../ui/notice.tsx"
import { type Column, DataTable } from "./data-table.tsx"
import { EmptyState } from "./empty-state.tsx"
import type { Occurrence, ScheduleDetail } from "./operator-types.ts"
import { Age, AskTwice, Fact, NoValue, PageHead, Pending, StateBadge, Until } from "./page-parts.tsx"
import { type Draft, ScheduleForm } from "./schedule-form.tsx"
import { formatTimes, OwnerLink, ScheduleActions } from "./schedule-parts.tsx"
import { useLoaded } from "./use-loaded.ts"

const makers = { options: "the agent file", user: "a user", agent: "the agent" } as const

const reasons: Readonly<Record<string, string>> = {
  still_running: "The run before it was open.",
  session_busy: "The session had another open run.",
  queue_full: "Too many occurrences or messages waited.",
  storage_full: "The session or its owner stores as much as allowed.",
  session_revoked: "The session was revoked.",
  invalid_schedule: "Its stored times or its message cannot be used.",
  late: "It was missed by more than a minute.",
}

/** One schedule with its terms and the history of its occurrences. */
export function ScheduleView({ scheduleId }: { readonly scheduleId: string }) {
  const { data, problem, reload } = useLoaded<ScheduleDetail>(`schedules/${encodeURIComponent(scheduleId)}`)
  const [isEditing, setEditing] = useState(false)
  const [failure, setFailure] = useState<string | null>(null)
  const parent = { label: "Schedules", href: "#/schedules" }
  if (data === null) {
    return (
      <>
        <PageHead title="Schedule" parent={parent} />
        <Pending problem={problem} />
      </>
    )
  }
  const { schedule, history } = data
  const { spec, nextAt, waiting } = schedule
  const path = `schedules/${encodeURIComponent(scheduleId)}`

  const save = async ({ terms }: Draft) => {
    await call("POST", `${path}/replace`, { body: { terms } })
    setEditing(false)
    reload()
  }
  const remove = () => {
    setFailure(null)
    call("POST", `${path}/remove`).then(
      () => navigate(formatHref(["schedules"])),
      (error: Error) => setFailure(error.message),
    )
  }

  return (
    <>
      <PageHead title={schedule.name} parent={parent}>
        <StateBadge state={schedule.isRunning ? "running" : schedule.state} />
        <ScheduleActions schedule={schedule} onChanged={reload} />
        {schedule.origin !== "options" && !isEditing && (
          <span class="actions">
            <button type="button" onClick={() => setEditing(true)}>
              Edit
            </button>
            <AskTwice
              label="Remove"
              question="Remove it and its history?"
              name={schedule.name}
              onConfirm={remove}
            />
          </span>
        )}
      </PageHead>
      {schedule.reason !== null && (
        <Notice tone="warning" title="The gateway paused this schedule">
          <p>
            {reasons[schedule.reason] ?? schedule.reason}{" "}
            {schedule.reason === "invalid_schedule"
              ? "Edit it, or remove it and create it again."
              : "Resume it to continue in a new session."}
          </p>
        </Notice>
      )}
      {failure !== null && (
        <Notice tone="danger" title="The schedule was not removed">
          <p>{failure}</p>
        </Notice>
      )}
      {isEditing && (
        <ScheduleForm schedule={schedule} agents={[]} onSave={save} onCancel={() => setEditing(false)} />
      )}
      <dl class="facts">
        <Fact name="Times">{formatTimes(schedule)}</Fact>
        <Fact name="Next">{nextAt === null ? "none" : <Until at={nextAt} />}</Fact>
        <Fact name="Agent">{schedule.agent}</Fact>
        <Fact name="Owner">
          <OwnerLink schedule={schedule} />
        </Fact>
        <Fact name="Made by">{makers[schedule.origin]}</Fact>
        <Fact name="Session">
          {spec.session === "fresh" || schedule.sessionId === null ? (
            "a new one each time"
          ) : (
            <a class="id" href={formatHref(["sessions", schedule.sessionId])}>
              {schedule.sessionId}
            </a>
          )}
        </Fact>
        <Fact name="While a run is open">{spec.overlap === "skip" ? "skips" : "waits"}</Fact>
        {spec.limits?.maxTurns !== undefined && <Fact name="Maximum turns">{spec.limits.maxTurns}</Fact>}
        {spec.limits?.maxBudgetUsd !== undefined && (
          <Fact name="Budget of a run">{formatCost(spec.limits.maxBudgetUsd)}</Fact>
        )}
        {waiting.length > 0 && <Fact name="Waiting">{waiting.length}</Fact>}
      </dl>
      <section class="block" aria-label="Message">
        <h2>Message</h2>
        <p class="plain-text">
          {spec.message ?? "Your key does not have the scope content, which shows the message."}
        </p>
      </section>
      <section class="block" aria-label="History">
        <h2>History</h2>
        {history.length === 0 ? (
          <EmptyState icon="clock" title="It has not fired yet">
            Each occurrence appears here with its run. Choose “Run now” to try the schedule.
          </EmptyState>
        ) : (
          <DataTable label="Occurrences" columns={columns} rows={history} keyOf={({ number }) => number} />
        )}
      </section>
    </>
  )
}

const columns: readonly Column<Occurrence>[] = [
  {
    title: "Time",
    cell: ({ at, cause }) => (
      <>
        <Age at={at} />
        {cause === "manual" && <span class="hint"> by hand</span>}
      </>
    ),
  },
  {
    title: "Outcome",
    cell: ({ outcome, reason }) => (
      <>
        <StateBadge state={outcome} />
        {reason !== null && <span class="hint"> {reasons[reason] ?? reason}</span>}
      </>
    ),
  },
  {
    title: "Run",
    cell: ({ sessionId, runId }) =>
      sessionId !== null && runId !== null ? (
        <a class="id" href={formatHref(["sessions", sessionId], { run: runId })}>
          {runId}
        </a>
      ) : (
        <NoValue />
      ),
  },
]
