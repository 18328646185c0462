import type { Info } from "../api.ts"
import { formatHref, navigate, type Route } from "../router.ts"
import { formatCost, formatDuration, formatRunError } from "../ui/format.ts"
import { type Column, DataTable } from "./data-table.tsx"
import { EmptyState } from "./empty-state.tsx"
import type { ListedRun } from "./operator-types.ts"
import { Age, Filter, More, NoValue, PageHead, Pending, StateBadge } from "./page-parts.tsx"
import { usePages } from "./use-loaded.ts"

const states = ["queued", "running", "waiting", "unserved", "completed", "interrupted", "failed"]

/** Runs of all sessions, newest first. */
export function RunsView({ route, info }: { readonly route: Route; readonly info: Info }) {
  const current = { state: route.query.get("state") ?? "", agent: route.query.get("agent") ?? "" }
  const { items, problem, more } = usePages<ListedRun>("runs", current)
  const isFiltered = current.state !== "" || current.agent !== ""
  const set = (name: string, value: string) => navigate(formatHref(["runs"], { ...current, [name]: value }))

  return (
    <>
      <PageHead title="Runs">
        <nav class="tabs" aria-label="Lists">
          <a href="#/sessions">Sessions</a>
          <a href="#/runs" aria-current="page">
            Runs
          </a>
        </nav>
        <Filter
          label="State"
          value={current.state}
          options={states}
          onChange={(value) => set("state", value)}
        />
        {info.agents.length > 1 && (
          <Filter
            label="Agent"
            value={current.agent}
            options={info.agents.map(({ name }) => name)}
            onChange={(value) => set("agent", value)}
          />
        )}
      </PageHead>
      {items === null && <Pending problem={problem} />}
      {items?.length === 0 && (
        <EmptyState icon="list" title={isFiltered ? "No runs match the filters" : "No runs yet"}>
          {isFiltered ? <a href="#/runs">Show all runs</a> : "Each message starts a run."}
        </EmptyState>
      )}
      {items !== null && items.length > 0 && (
        <DataTable label="Runs" columns={columns} rows={items} keyOf={({ id }) => id} />
      )}
      <More more={more} />
    </>
  )
}

const columns: readonly Column<ListedRun>[] = [
  {
    title: "Run",
    cell: ({ id, sessionId }) => (
      <a class="id" href={formatHref(["sessions", sessionId], { run: id })}>
        {id}
      </a>
    ),
  },
  {
    title: "State",
    cell: ({ state, end }) => (
      <>
        <StateBadge state={state} />
        {end?.error != null && <p class="field-error">{formatRunError(end.error)}</p>}
      </>
    ),
  },
  { title: "Agent", cell: ({ agent }) => agent },
  {
    title: "Session",
    cell: ({ sessionId }) => (
      <a class="id" href={formatHref(["sessions", sessionId])}>
        {sessionId}
      </a>
    ),
  },
  { title: "Accepted", cell: ({ createdAt }) => <Age at={createdAt} /> },
  {
    title: "Time",
    shape: "right",
    cell: ({ createdAt, end }) => (end === null ? <NoValue /> : formatDuration(end.at - createdAt)),
  },
  {
    title: "Cost",
    shape: "right",
    cell: ({ end }) => (end === null ? <NoValue /> : formatCost(end.cost)),
  },
]
