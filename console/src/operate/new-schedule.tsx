import { call, type Info } from "../api.ts"
import { formatHref, navigate } from "../router.ts"
import { EmptyState } from "./empty-state.tsx"
import type { ListedSchedule } from "./operator-types.ts"
import { PageHead } from "./page-parts.tsx"
import { type Draft, ScheduleForm } from "./schedule-form.tsx"

/** Makes a schedule whose sessions belong to the console, so that they are listed with its conversations. */
export function NewSchedule({ info }: { readonly info: Info }) {
  const agents = info.agents.filter(({ firesSchedules }) => firesSchedules).map(({ name }) => name)
  const create = async (draft: Draft) => {
    const { id } = await call<ListedSchedule>("POST", "schedules", { body: draft })
    navigate(formatHref(["schedules", id]))
  }
  return (
    <>
      <PageHead title="New schedule" parent={{ label: "Schedules", href: "#/schedules" }} />
      {agents.length === 0 ? (
        <EmptyState icon="clock" title="No agent has schedules">
          Set <code>allowSchedules: true</code> in the options of an agent, so that its schedules fire.
        </EmptyState>
      ) : (
        <ScheduleForm
          schedule={null}
          agents={agents}
          onSave={create}
          onCancel={() => navigate(formatHref(["schedules"]))}
        />
      )}
    </>
  )
}
