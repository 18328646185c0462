import type { Info } from "../api.ts"
import { formatHref, navigate, type Route } from "../router.ts"
import { formatBytes, formatCost } from "../ui/format.ts"
import { type Column, DataTable } from "./data-table.tsx"
import { EmptyState } from "./empty-state.tsx"
import type { ListedSession } from "./operator-types.ts"
import { Age, Filter, More, PageHead, Pending, StateBadge } from "./page-parts.tsx"
import { usePages } from "./use-loaded.ts"

const states = ["idle", "queued", "running", "waiting", "unserved"]

/** Sessions of all users, newest first. */
export function SessionsView({ route, info }: { readonly route: Route; readonly info: Info }) {
  const filter = (name: string) => route.query.get(name) ?? ""
  const current = {
    state: filter("state"),
    agent: filter("agent"),
    tenant: filter("tenant"),
    user: filter("user"),
  }
  const { items, problem, more } = usePages<ListedSession>("sessions", current)
  const isFiltered = Object.values(current).some((value) => value !== "")
  const set = (name: string, value: string) =>
    navigate(formatHref(["sessions"], { ...current, [name]: value }))

  return (
    <>
      <PageHead title="Sessions">
        <nav class="tabs" aria-label="Lists">
          <a href="#/sessions" aria-current="page">
            Sessions
          </a>
          <a href="#/runs">Runs</a>
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
        {current.user !== "" && (
          <a class="quiet" href={formatHref(["sessions"], { ...current, user: "" })}>
            All users of the tenant
          </a>
        )}
        {current.user === "" && current.tenant !== "" && (
          <a class="quiet" href={formatHref(["sessions"], { ...current, tenant: "" })}>
            All tenants
          </a>
        )}
      </PageHead>
      {items === null && <Pending problem={problem} />}
      {items?.length === 0 && (
        <EmptyState icon="list" title={isFiltered ? "No sessions match the filters" : "No sessions yet"}>
          {isFiltered ? (
            <a href="#/sessions">Show all sessions</a>
          ) : (
            <>
              A session begins with its first message. <a href="#/">Start a conversation</a>, or use the HTTP
              API.
            </>
          )}
        </EmptyState>
      )}
      {items !== null && items.length > 0 && <SessionTable sessions={items} />}
      <More more={more} />
    </>
  )
}

/** Describes the cost of a session. If only its newest runs are counted, their cost is a minimum. */
export function formatSessionCost({ cost, isPartial }: ListedSession["spent"]): string {
  return isPartial && cost !== null ? `over ${formatCost(cost)}` : formatCost(cost)
}

export function SessionTable({ sessions }: { readonly sessions: readonly ListedSession[] }) {
  return <DataTable label="Sessions" columns={columns} rows={sessions} keyOf={({ id }) => id} />
}

const columns: readonly Column<ListedSession>[] = [
  {
    title: "Session",
    cell: ({ id, title }) => (
      <a class="titled" href={formatHref(["sessions", id])} title={title ?? undefined}>
        {title && <span class="title">{title}</span>} <span class="id">{id}</span>
      </a>
    ),
  },
  {
    title: "State",
    cell: ({ state, revokedAt }) => <StateBadge state={revokedAt === null ? state : "revoked"} />,
  },
  { title: "Agent", cell: ({ agent }) => agent },
  {
    title: "User",
    cell: ({ tenant, userId }) => (
      <a
        class="user"
        href={formatHref(["sessions"], { tenant, user: userId })}
        title={`${userId} of ${tenant}`}
      >
        {userId}
      </a>
    ),
  },
  { title: "Started", cell: ({ createdAt }) => <Age at={createdAt} /> },
  { title: "Last used", cell: ({ lastUsedAt }) => <Age at={lastUsedAt} /> },
  { title: "Cost", shape: "right", cell: ({ spent }) => formatSessionCost(spent) },
  { title: "Size", shape: "right", cell: ({ storedBytes }) => formatBytes(storedBytes) },
]
