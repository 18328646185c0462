import type { Info } from "../api.ts"
import { hrefOf, navigate, type Route } from "../router.ts"
import { costText, durationText } from "../ui/format.ts"
import { Notice } from "../ui/notice.tsx"
import type { ListedRun } from "./operator-types.ts"
import { Age, Filter, More, PageHead, Pending, StateBadge } from "./page-parts.tsx"
import { usePages } from "./use-loaded.ts"

const states = ["queued", "running", "waiting", "unserved", "completed", "interrupted", "failed"]

/** Runs of all sessions, newest first. */
export function RunsView({ route, info }: { readonly route: Route; readonly info: Info }) {
  const current = { state: route.query.get("state") ?? "", agent: route.query.get("agent") ?? "" }
  const { items, problem, loadMore } = usePages<ListedRun>("runs", current)
  const set = (name: string, value: string) => navigate(hrefOf(["runs"], { ...current, [name]: value }))

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
        <Notice title="No runs">
          <p>Each message starts a run. Choose another state to see more.</p>
        </Notice>
      )}
      {items !== null && items.length > 0 && <RunTable runs={items} />}
      <More onClick={loadMore} />
    </>
  )
}

function RunTable({ runs }: { readonly runs: readonly ListedRun[] }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: A wide table is scrolled with the keyboard.
    <section class="table-frame" aria-label="Runs" tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th scope="col">Run</th>
            <th scope="col">State</th>
            <th scope="col">Agent</th>
            <th scope="col">Session</th>
            <th scope="col">Accepted</th>
            <th scope="col" class="right">
              Time
            </th>
            <th scope="col" class="right">
              Cost
            </th>
          </tr>
        </thead>
        <tbody>
          {runs.map((run) => (
            <tr key={run.id}>
              <td>
                <a class="id" href={hrefOf(["sessions", run.sessionId], { run: run.id })}>
                  {run.id}
                </a>
              </td>
              <td>
                <StateBadge state={run.state} />
                {run.end?.error != null && <p class="field-error">{run.end.error}</p>}
              </td>
              <td>{run.agent}</td>
              <td>
                <a class="id" href={hrefOf(["sessions", run.sessionId])}>
                  {run.sessionId}
                </a>
              </td>
              <td>
                <Age at={run.createdAt} />
              </td>
              <td class="right">{run.end === null ? "" : durationText(run.end.at - run.createdAt)}</td>
              <td class="right">{run.end === null ? "" : costText(run.end.cost)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
