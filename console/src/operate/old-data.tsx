import { type ComponentChildren, createContext } from "preact"
import { useCallback, useContext, useEffect, useId, useRef, useState } from "preact/hooks"
import { Notice } from "../ui/notice.tsx"
import type { Polled } from "../use-polled.ts"

/** Data that a view still shows, because it could not be reloaded. */
interface OldData {
  /** Time of the response that the view shows, in milliseconds since the Unix epoch. */
  readonly loadedAt: number
  readonly triedAt: number
  readonly problem: string
  readonly reload: () => void
}

type Report = (id: string, old: OldData | null) => void

const ReportContext = createContext<Report>(() => {})

/** Reports the data to the notice of the view if it is old. */
export function useOldDataReport({ loadedAt, failure, reload }: Polled<unknown>): void {
  const report = useContext(ReportContext)
  const id = useId()
  useEffect(() => {
    const isOld = loadedAt !== null && failure !== null
    report(id, isOld ? { loadedAt, triedAt: failure.at, problem: failure.problem, reload } : null)
    return () => report(id, null)
  }, [loadedAt, failure])
}

/** Shows a view. Above it, one notice says that its data is old, whichever part of the data is. */
export function OldDataFrame({ children }: { readonly children: ComponentChildren }) {
  const [all, setAll] = useState<ReadonlyMap<string, OldData>>(new Map())
  const report = useCallback<Report>((id, old) => {
    setAll((before) => {
      const after = new Map(before)
      if (old === null) after.delete(id)
      else after.set(id, old)
      return after
    })
  }, [])
  const [oldest] = [...all.values()].toSorted((a, b) => a.loadedAt - b.loadedAt)
  const wasOld = useRef(false)
  wasOld.current ||= oldest !== undefined

  return (
    <ReportContext.Provider value={report}>
      <div class="old-data" data-old={oldest !== undefined}>
        <div role="status">
          {oldest !== undefined && (
            <Notice tone="warning" title="The data of this view is old">
              <p>
                It was loaded at <Moment at={oldest.loadedAt} />. {oldest.problem}
              </p>
            </Notice>
          )}
          {oldest === undefined && wasOld.current && (
            <span class="visually-hidden">The data of this view is up to date again.</span>
          )}
        </div>
        {oldest !== undefined && (
          // Outside of the status, so that a screen reader does not read each attempt.
          <p class="hint">
            <button type="button" onClick={() => reloadAll(all)}>
              Try now
            </button>
            Last attempt at <Moment at={oldest.triedAt} />
          </p>
        )}
      </div>
      {children}
    </ReportContext.Provider>
  )
}

function reloadAll(all: ReadonlyMap<string, OldData>): void {
  for (const { reload } of all.values()) reload()
}

/** A moment with its seconds, and with its date unless it is today. */
function Moment({ at }: { readonly at: number }) {
  const date = new Date(at)
  const isToday = date.toDateString() === new Date().toDateString()
  return (
    <time dateTime={date.toISOString()}>{isToday ? date.toLocaleTimeString() : date.toLocaleString()}</time>
  )
}
