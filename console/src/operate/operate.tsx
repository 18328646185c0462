import type { Info } from "../api.ts"
import type { Route } from "../router.ts"
import { ApprovalsView } from "./approvals-view.tsx"
import { ConfigurationView } from "./configuration-view.tsx"
import { EmptyState } from "./empty-state.tsx"
import { MemoryView } from "./memory-view.tsx"
import { NewSchedule } from "./new-schedule.tsx"
import { OldDataFrame } from "./old-data.tsx"
import { OutboxView } from "./outbox-view.tsx"
import { PageHead } from "./page-parts.tsx"
import { RunsView } from "./runs-view.tsx"
import { SandboxView } from "./sandbox/view.tsx"
import { ScheduleView } from "./schedule-view.tsx"
import { SchedulesView } from "./schedules-view.tsx"
import { SessionView } from "./session-view.tsx"
import { SessionsView } from "./sessions-view.tsx"
import { StatusView } from "./status-view.tsx"
import { ToolSourcesView } from "./tool-sources-view.tsx"

/** The views for operators, loaded when the first of them is opened. */
export function Operate({ route, info }: { readonly route: Route; readonly info: Info }) {
  return (
    <div class="page">
      <OldDataFrame key={route.path.join("/")}>
        <View route={route} info={info} />
      </OldDataFrame>
    </div>
  )
}

function View({ route, info }: { readonly route: Route; readonly info: Info }) {
  const [view, id] = route.path
  switch (view) {
    case "sessions":
      return id === undefined ? (
        <SessionsView route={route} info={info} />
      ) : (
        <SessionView key={id} info={info} sessionId={id} runId={route.query.get("run")} />
      )
    case "runs":
      return <RunsView route={route} info={info} />
    case "approvals":
      return <ApprovalsView />
    case "outbox":
      return <OutboxView route={route} />
    case "schedules":
      return id === undefined ? (
        <SchedulesView route={route} info={info} />
      ) : id === "new" ? (
        <NewSchedule info={info} />
      ) : (
        <ScheduleView key={id} scheduleId={id} />
      )
    case "memory":
      return <MemoryView route={route} info={info} />
    case "mcp":
      return <ToolSourcesView />
    case "sandbox":
      return <SandboxView />
    case "status":
      return <StatusView />
    case "configuration":
      return <ConfigurationView />
    default:
      return (
        <>
          <PageHead title="Not found" />
          <EmptyState icon="list" title="There is no such view">
            <a href="#/">Start a conversation</a>
          </EmptyState>
        </>
      )
  }
}
