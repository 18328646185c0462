import type { Info } from "../api.ts"
import { hrefOf, navigate, type Route } from "../router.ts"
import { bytesText, costText } from "../ui/format.ts"
import { Notice } from "../ui/notice.tsx"
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
  const { items, problem, loadMore } = usePages<ListedSession>("sessions", current)
  const set = (name: string, value: string) => navigate(hrefOf(["sessions"], { ...current, [name]: value }))

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
          <a class="quiet" href={hrefOf(["sessions"], { ...current, tenant: "", user: "" })}>
            All users
          </a>
        )}
      </PageHead>
      {items === null && <Pending problem={problem} />}
      {items?.length === 0 && (
        <Notice title="No sessions">
          <p>
            A session begins with its first message. <a href="#/">Start a conversation</a>, or use the HTTP
            API.
          </p>
        </Notice>
      )}
      {items !== null && items.length > 0 && <SessionTable sessions={items} />}
      <More onClick={loadMore} />
    </>
  )
}

/** Describes the cost of a session. If only its newest runs are counted, their cost is a minimum. */
export function sessionCostText({ cost, isPartial }: ListedSession["spent"]): string {
  return isPartial && cost !== null ? `over ${costText(cost)}` : costText(cost)
}

export function SessionTable({ sessions }: { readonly sessions: readonly ListedSession[] }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: A wide table is scrolled with the keyboard.
    <section class="table-frame" aria-label="Sessions" tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th scope="col">Session</th>
            <th scope="col">State</th>
            <th scope="col">Agent</th>
            <th scope="col">User</th>
            <th scope="col">Started</th>
            <th scope="col">Last used</th>
            <th scope="col" class="right">
              Cost
            </th>
            <th scope="col" class="right">
              Size
            </th>
          </tr>
        </thead>
        <tbody>
          {sessions.map((session) => (
            <tr key={session.id}>
              <td>
                <a class="id" href={hrefOf(["sessions", session.id])}>
                  {session.id}
                </a>
              </td>
              <td>
                <StateBadge state={session.revokedAt === null ? session.state : "revoked"} />
              </td>
              <td>{session.agent}</td>
              <td>
                <a
                  class="quiet"
                  href={hrefOf(["sessions"], { tenant: session.tenant, user: session.userId })}
                  title={session.tenant}
                >
                  {session.userId}
                </a>
              </td>
              <td>
                <Age at={session.createdAt} />
              </td>
              <td>
                <Age at={session.lastUsedAt} />
              </td>
              <td class="right">{sessionCostText(session.spent)}</td>
              <td class="right">{bytesText(session.storedBytes)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
