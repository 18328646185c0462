import type { Info } from "../api.ts"
import { hrefOf, navigate, type Route } from "../router.ts"
import { Notice } from "../ui/notice.tsx"
import type { ListedSchedule } from "./operator-types.ts"
import { Filter, More, PageHead, Pending, StateBadge, Until } from "./page-parts.tsx"
import { OwnerLink, ScheduleActions, timesOf } from "./schedule-parts.tsx"
import { usePages } from "./use-loaded.ts"

/** Schedules of all agents and owners. */
export function SchedulesView({ route, info }: { readonly route: Route; readonly info: Info }) {
  const agent = route.query.get("agent") ?? ""
  const { items, problem, loadMore, reload } = usePages<ListedSchedule>("schedules", { agent })

  return (
    <>
      <PageHead title="Schedules">
        {info.agents.length > 1 && (
          <Filter
            label="Agent"
            value={agent}
            options={info.agents.map(({ name }) => name)}
            onChange={(value) => navigate(hrefOf(["schedules"], { agent: value }))}
          />
        )}
      </PageHead>
      {items === null && <Pending problem={problem} />}
      {items?.length === 0 && (
        <Notice title="No schedules">
          <p>
            A schedule sends the agent a message at certain times. Add one to the option{" "}
            <code>schedules</code>, or let users and the agent make their own with <code>allowSchedules</code>
            .
          </p>
        </Notice>
      )}
      {items !== null && items.length > 0 && <ScheduleTable schedules={items} onChanged={reload} />}
      <More onClick={loadMore} />
    </>
  )
}

function ScheduleTable({
  schedules,
  onChanged,
}: {
  readonly schedules: readonly ListedSchedule[]
  readonly onChanged: () => void
}) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: A wide table is scrolled with the keyboard.
    <section class="table-frame" aria-label="Schedules" tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th scope="col">Schedule</th>
            <th scope="col">State</th>
            <th scope="col">Times</th>
            <th scope="col">Next</th>
            <th scope="col">Agent</th>
            <th scope="col">Owner</th>
            <th scope="col">Actions</th>
          </tr>
        </thead>
        <tbody>
          {schedules.map((schedule) => (
            <tr key={schedule.id}>
              <td>
                <a href={hrefOf(["schedules", schedule.id])}>{schedule.name}</a>
              </td>
              <td>
                <StateBadge state={schedule.isRunning ? "running" : schedule.state} />
              </td>
              <td class="nowrap">{timesOf(schedule)}</td>
              <td>
                {schedule.nextAt === null ? <span class="hint">none</span> : <Until at={schedule.nextAt} />}
              </td>
              <td>{schedule.agent}</td>
              <td>
                <OwnerLink schedule={schedule} />
              </td>
              <td>
                <ScheduleActions schedule={schedule} onChanged={onChanged} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
