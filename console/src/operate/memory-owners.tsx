import { formatHref } from "../router.ts"
import { type Column, DataTable } from "./data-table.tsx"
import { EmptyState } from "./empty-state.tsx"
import type { MemoryOwner } from "./operator-types.ts"
import { Age, More, PageHead, Pending } from "./page-parts.tsx"
import { usePages } from "./use-loaded.ts"

function formatMemoryHref({
  tenant,
  userId,
  agent,
}: Pick<MemoryOwner, "tenant" | "userId" | "agent">): string {
  return formatHref(["memory"], { tenant, user: userId, agent })
}

const columns: readonly Column<MemoryOwner>[] = [
  { title: "User", cell: (owner) => <a href={formatMemoryHref(owner)}>{owner.userId}</a> },
  { title: "Tenant", cell: ({ tenant }) => tenant },
  { title: "Agent", cell: ({ agent }) => agent ?? <span class="hint">shared</span> },
  { title: "Memories", shape: "right", cell: ({ count }) => count },
  { title: "Newest", cell: ({ updatedAt }) => <Age at={updatedAt} /> },
]

/** The users about whom agents have stored memories. */
export function MemoryOwners() {
  const { items, problem, more } = usePages<MemoryOwner>("memory/owners")
  return (
    <>
      <PageHead title="Memory" />
      {items === null && <Pending problem={problem} />}
      {items?.length === 0 && (
        <EmptyState icon="bookmark" title="No memories yet">
          With the option <code>memory</code>, the agent keeps facts about its users that outlive a
          conversation. They appear here, by user.
        </EmptyState>
      )}
      {items !== null && items.length > 0 && (
        <DataTable
          label="Users with memories"
          columns={columns}
          rows={items}
          keyOf={({ tenant, userId, agent }) => JSON.stringify([tenant, userId, agent])}
        />
      )}
      <More more={more} />
    </>
  )
}
