import { useState } from "preact/hooks"
import { call, type Info } from "../api.ts"
import { formatHref, navigate, type Route } from "../router.ts"
import { Notice } from "../ui/notice.tsx"
import { EmptyState } from "./empty-state.tsx"
import { MemoryOwners } from "./memory-owners.tsx"
import type { MemoryRecord } from "./operator-types.ts"
import { Age, AskTwice, More, PageHead, Pending, Until } from "./page-parts.tsx"
import { usePages } from "./use-loaded.ts"

/** The users with memories, or the memories of the user in the address. */
export function MemoryView({ route, info }: { readonly route: Route; readonly info: Info }) {
  const tenant = route.query.get("tenant")
  const user = route.query.get("user")
  if (tenant === null || user === null) return <MemoryOwners info={info} />
  const owner = { tenant, user, agent: route.query.get("agent") }
  return <UserMemories key={JSON.stringify(owner)} owner={owner} query={route.query.get("query") ?? ""} />
}

interface Owner {
  readonly tenant: string
  readonly user: string
  /** Null for the memories that all agents share. */
  readonly agent: string | null
}

function UserMemories({ owner, query }: { readonly owner: Owner; readonly query: string }) {
  const [problem, setProblem] = useState<string | null>(null)
  const { items, problem: loading, more, reload } = usePages<MemoryRecord>("memory", { ...owner, query })

  const forget = ({ entityType, name, revision }: MemoryRecord) => {
    setProblem(null)
    const { agent, ...user } = owner
    const body = { ...user, ...(agent !== null && { agent }), entityType, name, revision }
    call("POST", "memory/forget", { body }).then(reload, (error: Error) => setProblem(error.message))
  }

  return (
    <>
      <PageHead title={`Memory of ${owner.user}`} parent={{ label: "Memory", href: "#/memory" }}>
        <a class="quiet" href={formatHref(["sessions"], { tenant: owner.tenant, user: owner.user })}>
          Sessions
        </a>
        <form
          class="search"
          onSubmit={(event) => {
            event.preventDefault()
            const text = new FormData(event.currentTarget).get("query")
            navigate(formatHref(["memory"], { ...owner, query: String(text ?? "").trim() }))
          }}
        >
          <input type="search" name="query" aria-label="Search memories" placeholder="Search" value={query} />
          <button type="submit">Search</button>
        </form>
      </PageHead>
      {problem !== null && (
        <Notice tone="danger" title="The memory was not forgotten">
          <p>{problem}</p>
        </Notice>
      )}
      {items === null && <Pending problem={loading} />}
      {items?.length === 0 && (
        <EmptyState
          icon="bookmark"
          title={query === "" ? "No memories of this user" : "No memory has these words"}
        >
          {query === "" ? (
            <a href="#/memory">Show all users with memories</a>
          ) : (
            <a href={formatHref(["memory"], { ...owner })}>Show all memories of this user</a>
          )}
        </EmptyState>
      )}
      {items !== null && items.length > 0 && (
        <ul class="cards" aria-label="Memories">
          {items.map((memory) => (
            <li key={JSON.stringify([memory.entityType, memory.name])}>
              <MemoryCard memory={memory} onForget={() => forget(memory)} />
            </li>
          ))}
        </ul>
      )}
      <More more={more} />
    </>
  )
}

function MemoryCard({ memory, onForget }: { readonly memory: MemoryRecord; readonly onForget: () => void }) {
  const { entityType, name, content, tags, origin, updatedAt, expiresAt } = memory
  return (
    <article class="card" aria-label={`${entityType} ${name}`}>
      <header class="card-head">
        <h2>{name}</h2>
        <span class="badge">{entityType}</span>
        {tags.map((tag) => (
          <span key={tag} class="hint">
            #{tag}
          </span>
        ))}
        <AskTwice label="Forget" question="Forget it for good?" name={name} onConfirm={onForget} />
      </header>
      <p class="plain-text">{content}</p>
      <p class="hint">
        Stored <Age at={updatedAt} />
        {origin !== null && (
          <>
            {" in "}
            <a class="id" href={formatHref(["sessions", origin.sessionId], { run: origin.runId })}>
              {origin.runId}
            </a>
          </>
        )}
        {expiresAt !== null && (
          <>
            , expires <Until at={expiresAt} />
          </>
        )}
      </p>
    </article>
  )
}
