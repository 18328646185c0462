import type { Info } from "../api.ts"
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
export function MemoryOwners({ info }: { readonly info: Info }) {
  const isOff = info.agents.every(({ memory }) => memory === "off")
  const { items, problem, more } = usePages<MemoryOwner>("memory/owners")
  return (
    <>
      <PageHead title="Memory" />
      {items === null && <Pending problem={problem} />}
      {items?.length === 0 && (
        <EmptyState icon="bookmark" title={isOff ? "No agent has a memory" : "No memories yet"}>
          {isOff ? (
            <>
              Set the option <code>memory</code>, so that the agent keeps facts about its users that outlive a
              conversation.
            </>
          ) : (
            "When an agent stores a fact about a user, it appears here."
          )}
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
