import { useState } from "preact/hooks"
import { call } from "../api.ts"
import { hrefOf, navigate, type Route } from "../router.ts"
import { bytesText } from "../ui/format.ts"
import { Notice } from "../ui/notice.tsx"
import type { OutboxRow } from "./operator-types.ts"
import { Age, AskTwice, Filter, More, PageHead, Pending, StateBadge } from "./page-parts.tsx"
import { usePages } from "./use-loaded.ts"

/** Deliveries of sessions to the outside. Dead rows have failed too often. */
export function OutboxView({ route }: { readonly route: Route }) {
  const state = route.query.get("state") ?? ""
  const [problem, setProblem] = useState<string | null>(null)
  const { items, problem: loading, loadMore, reload } = usePages<OutboxRow>("outbox", { state })

  const change = (action: "retry" | "drop", rows: readonly OutboxRow[]) => {
    setProblem(null)
    call("POST", `outbox/${action}`, {
      body: { numbers: rows.slice(0, 500).map(({ number }) => number) },
    }).then(reload, (error: Error) => setProblem(error.message))
  }
  const dead = (items ?? []).filter((row) => row.state === "dead")

  return (
    <>
      <PageHead title="Deliveries">
        <Filter
          label="State"
          value={state}
          options={["waiting", "dead"]}
          onChange={(value) => navigate(hrefOf(["outbox"], { state: value }))}
        />
        {dead.length > 0 && (
          <button type="button" onClick={() => change("retry", dead)}>
            Retry all dead rows ({dead.length})
          </button>
        )}
      </PageHead>
      {problem !== null && (
        <Notice tone="danger" title="The rows could not be changed">
          <p>{problem}</p>
        </Notice>
      )}
      {items === null && <Pending problem={loading} />}
      {items?.length === 0 && (
        <Notice title="Nothing waits for delivery">
          <p>
            Commands between sessions and other deliveries appear here until they have arrived. A delivery
            that fails too often is dead.
          </p>
        </Notice>
      )}
      {items !== null && items.length > 0 && <Rows rows={items} onChange={change} />}
      <More onClick={loadMore} />
    </>
  )
}

interface RowsProps {
  readonly rows: readonly OutboxRow[]
  readonly onChange: (action: "retry" | "drop", rows: readonly OutboxRow[]) => void
}

function Rows({ rows, onChange }: RowsProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: A wide table is scrolled with the keyboard.
    <section class="table-frame" aria-label="Deliveries" tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th scope="col">Row</th>
            <th scope="col">State</th>
            <th scope="col">Kind</th>
            <th scope="col">Session</th>
            <th scope="col">Attempts</th>
            <th scope="col">Content</th>
            <th scope="col">Stored</th>
            <th scope="col">Actions</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.number}>
              <td>{row.number}</td>
              <td>
                <StateBadge state={row.state} />
              </td>
              <td>{row.kind}</td>
              <td>
                <a class="id" href={hrefOf(["sessions", row.sessionId])}>
                  {row.sessionId}
                </a>
              </td>
              <td>{row.attempts}</td>
              <td class="wide">
                <code>{row.preview}</code> <span class="hint">{bytesText(row.bytes)}</span>
                {row.lastError !== null && <p class="field-error">{row.lastError}</p>}
              </td>
              <td>
                <Age at={row.createdAt} />
              </td>
              <td>
                {row.state === "dead" && (
                  <span class="actions">
                    <button type="button" onClick={() => onChange("retry", [row])}>
                      Retry
                    </button>
                    <AskTwice
                      label="Drop"
                      question="Drop it for good?"
                      name={`row ${row.number}`}
                      onConfirm={() => onChange("drop", [row])}
                    />
                  </span>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
