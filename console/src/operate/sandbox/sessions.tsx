import { formatHref } from "../../router.ts"
import { mebibytesText, numberText } from "../../ui/format.ts"
import { type Column, DataTable } from "../data-table.tsx"
import type { SandboxState, SessionSandbox } from "../operator-types.ts"
import { More, NoValue, Pending } from "../page-parts.tsx"
import { usePages } from "../use-loaded.ts"

/** The sessions whose sandboxes this process has used, those with executions first. */
export function SandboxSessions({ states }: { readonly states: readonly SandboxState[] }) {
  const { items, problem, more } = usePages<SessionSandbox>("sandbox/sessions")
  const quotas = new Map(
    states.map(({ agent, limits }) => [agent, limits.find(({ name }) => name === "disk")?.value ?? null]),
  )
  const isDocker = states.some(({ warmPool }) => warmPool !== null)
  return (
    <section class="block" aria-label="Sessions with a sandbox">
      <h2>Sessions</h2>
      {items === null && <Pending problem={problem} />}
      {items?.length === 0 && (
        <p class="hint">
          No session has run code since the gateway started. Sessions that run code appear here, with their
          executions and their disk usage.
        </p>
      )}
      {items !== null && items.length > 0 && (
        <DataTable
          label="Sandboxes"
          columns={columnsFor(quotas, { showsAgent: states.length > 1, showsWarm: isDocker })}
          rows={items}
          keyOf={({ session }) => session.id}
        />
      )}
      <More more={more} />
    </section>
  )
}

function columnsFor(
  quotas: ReadonlyMap<string, number | null>,
  { showsAgent, showsWarm }: { readonly showsAgent: boolean; readonly showsWarm: boolean },
): readonly Column<SessionSandbox>[] {
  return [
    {
      title: "Session",
      cell: ({ session: { id } }) => (
        <a class="id" href={formatHref(["sessions", id])}>
          {id}
        </a>
      ),
    },
    {
      title: "State",
      cell: ({ running, waiting }) => (
        <span class={`badge ${running > 0 ? "running" : waiting > 0 ? "queued" : ""}`}>
          {running > 0 ? "running" : waiting > 0 ? "waiting" : "idle"}
        </span>
      ),
    },
    ...(showsAgent ? [{ title: "Agent", cell: ({ agent }: SessionSandbox) => agent }] : []),
    {
      title: "User",
      cell: ({ session: { tenant, userId } }) => (
        <a
          class="user"
          href={formatHref(["sessions"], { tenant, user: userId })}
          title={`${userId} of ${tenant}`}
        >
          {userId}
        </a>
      ),
    },
    { title: "Running", shape: "right", cell: ({ running }) => running },
    { title: "Waiting", shape: "right", cell: ({ waiting }) => waiting },
    {
      title: "Disk",
      cell: ({ agent, usage }) => <DiskUsage usage={usage} quota={quotas.get(agent) ?? null} />,
    },
    {
      title: "Files",
      shape: "right",
      cell: ({ usage }) => (usage === null ? <NoValue /> : numberText(usage.entries)),
    },
    ...(showsWarm
      ? [
          {
            title: "Warm",
            cell: ({ isWarm }: SessionSandbox) => (isWarm ? "container ready" : <NoValue />),
          },
        ]
      : []),
  ]
}

interface DiskUsageProps {
  readonly usage: SessionSandbox["usage"]
  readonly quota: number | null
}

function DiskUsage({ usage, quota }: DiskUsageProps) {
  if (usage === null) return <span class="hint">not measured yet</span>
  if (quota === null) return <>{mebibytesText(usage.bytes)}</>
  const share = Math.min(usage.bytes / quota, 1)
  return (
    <span class={share > 0.9 ? "quota full" : "quota"}>
      <span class="quota-track" aria-hidden="true">
        <span class="quota-bar" style={{ width: `${100 * share}%` }} />
      </span>
      {mebibytesText(usage.bytes)} of {mebibytesText(quota)}
    </span>
  )
}
