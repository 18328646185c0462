import type { Info } from "../api.ts"
import { formatHref, navigate, type Route } from "../router.ts"
import { Icon } from "../ui/icons.tsx"
import { type Column, DataTable } from "./data-table.tsx"
import { EmptyState } from "./empty-state.tsx"
import type { ListedSchedule } from "./operator-types.ts"
import { Filter, More, NoValue, PageHead, Pending, StateBadge, Until } from "./page-parts.tsx"
import { formatTimes, OwnerLink, ScheduleActions } from "./schedule-parts.tsx"
import { usePages } from "./use-loaded.ts"

/** Schedules of all agents and owners. */
export function SchedulesView({ route, info }: { readonly route: Route; readonly info: Info }) {
  const agent = route.query.get("agent") ?? ""
  const { items, problem, more, reload } = usePages<ListedSchedule>("schedules", { agent })

  return (
    <>
      <PageHead title="Schedules">
        <a class="button" href="#/schedules/new">
          <Icon name="plus" />
          New schedule
        </a>
        {info.agents.length > 1 && (
          <Filter
            label="Agent"
            value={agent}
            options={info.agents.map(({ name }) => name)}
            onChange={(value) => navigate(formatHref(["schedules"], { agent: value }))}
          />
        )}
      </PageHead>
      {items === null && <Pending problem={problem} />}
      {items?.length === 0 && (
        <EmptyState icon="clock" title="No schedules yet">
          A schedule sends the agent a message at certain times. Add one to the option <code>schedules</code>,
          or let users and the agent make their own with <code>allowSchedules</code>.
        </EmptyState>
      )}
      {items !== null && items.length > 0 && (
        <DataTable label="Schedules" columns={createColumns(reload)} rows={items} keyOf={({ id }) => id} />
      )}
      <More more={more} />
    </>
  )
}

function createColumns(onChanged: () => void): readonly Column<ListedSchedule>[] {
  return [
    { title: "Schedule", cell: ({ id, name }) => <a href={formatHref(["schedules", id])}>{name}</a> },
    {
      title: "State",
      cell: ({ isRunning, state }) => <StateBadge state={isRunning ? "running" : state} />,
    },
    { title: "Times", cell: formatTimes },
    { title: "Next", cell: ({ nextAt }) => (nextAt === null ? <NoValue /> : <Until at={nextAt} />) },
    { title: "Agent", cell: ({ agent }) => agent },
    { title: "Owner", cell: (schedule) => <OwnerLink schedule={schedule} /> },
    {
      title: "Actions",
      cell: (schedule) => <ScheduleActions schedule={schedule} onChanged={onChanged} />,
    },
  ]
}
