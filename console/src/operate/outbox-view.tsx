import { useState } from "preact/hooks"
import { call } from "../api.ts"
import { formatHref, navigate, type Route } from "../router.ts"
import { formatBytes } from "../ui/format.ts"
import { Notice } from "../ui/notice.tsx"
import { type Column, DataTable } from "./data-table.tsx"
import { EmptyState } from "./empty-state.tsx"
import type { OutboxRow } from "./operator-types.ts"
import { Age, AskTwice, Filter, More, NoValue, PageHead, Pending, StateBadge, Until } from "./page-parts.tsx"
import { usePages } from "./use-loaded.ts"

/** Deliveries of sessions to the outside. Dead rows have failed too often. */
export function OutboxView({ route }: { readonly route: Route }) {
  const state = route.query.get("state") ?? ""
  const [problem, setProblem] = useState<string | null>(null)
  const { items, problem: loading, more, reload } = usePages<OutboxRow>("outbox", { state })

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
          onChange={(value) => navigate(formatHref(["outbox"], { state: value }))}
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
        <EmptyState
          icon="deliver"
          title={state === "" ? "Nothing waits for delivery" : `No delivery is ${state}`}
        >
          {state === "" ? (
            <>
              Commands between sessions and other deliveries appear here until they have arrived. A delivery
              that fails too often is dead.
            </>
          ) : (
            <a href="#/outbox">Show all deliveries</a>
          )}
        </EmptyState>
      )}
      {items !== null && items.length > 0 && (
        <DataTable
          label="Deliveries"
          columns={createColumns(change)}
          rows={items}
          keyOf={({ number }) => number}
        />
      )}
      <More more={more} />
    </>
  )
}

type Change = (action: "retry" | "drop", rows: readonly OutboxRow[]) => void

function createColumns(onChange: Change): readonly Column<OutboxRow>[] {
  return [
    {
      title: "Delivery",
      cell: ({ number, kind, sessionId }) => (
        <>
          <span>
            {kind} <span class="hint">#{number}</span>
          </span>
          <a class="id clipped" href={formatHref(["sessions", sessionId])} title={sessionId}>
            {sessionId}
          </a>
        </>
      ),
    },
    {
      title: "State",
      cell: ({ state, attempts }) => (
        <>
          <StateBadge state={state} />
          <p class="hint nowrap">{attempts === 1 ? "1 attempt" : `${attempts} attempts`}</p>
        </>
      ),
    },
    {
      title: "Content",
      shape: "wide",
      cell: ({ preview, bytes, lastError }) => (
        <>
          <span>
            <code>{preview}</code> <span class="hint">{formatBytes(bytes)}</span>
          </span>
          {lastError && <p class="field-error">{lastError}</p>}
        </>
      ),
    },
    {
      title: "Stored",
      cell: ({ createdAt, dueAt }) => (
        <>
          <Age at={createdAt} />
          {dueAt !== null && (
            <p class="hint">
              next attempt <Until at={dueAt} />
            </p>
          )}
        </>
      ),
    },
    {
      title: "Actions",
      cell: (row) =>
        row.state === "dead" ? (
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
        ) : (
          <NoValue />
        ),
    },
  ]
}
