import { useState } from "preact/hooks"
import { call, type Page, type Query } from "../api.ts"
import { usePolled } from "../use-polled.ts"
import { useOldDataReport } from "./old-data.tsx"

export interface Loaded<Data> {
  /** Null until the first response. */
  readonly data: Data | null
  /** Null if the last request succeeded. */
  readonly problem: string | null
  readonly reload: () => void
}

/** Loads data, and reloads it regularly unless `isLive` is false. */
export function useLoaded<Data>(path: string, query: Query = {}, isLive = true): Loaded<Data> {
  const key = JSON.stringify([path, query])
  const polled = usePolled<Data>(key, (signal) => call("GET", path, { query, signal }), isLive)
  useOldDataReport(polled)
  return { data: polled.data, problem: polled.failure?.problem ?? null, reload: polled.reload }
}

export interface LoadedPages<Item> {
  readonly items: readonly Item[] | null
  readonly problem: string | null
  /** Null after the last page. */
  readonly more: MorePages | null
  readonly reload: () => void
}

export interface MorePages {
  readonly isLoading: boolean
  /** Loads the next page. */
  readonly load: () => void
}

export interface PageOptions {
  /** Default: true. */
  readonly isLive?: boolean
  /** If true, the list only grows at its end, so that only its last page is reloaded. Default: false. */
  readonly grows?: boolean
}

/**
 * Loads a list page by page. A reload loads all shown pages again, each after the end of the one before, because a new
 * item moves the items after it to later pages.
 */
export function usePages<Item>(
  path: string,
  query: Query = {},
  { isLive = true, grows = false }: PageOptions = {},
): LoadedPages<Item> {
  const key = JSON.stringify([path, query])
  const [wanted, setWanted] = useState({ key, pages: 1 })
  const pages = wanted.key === key ? wanted.pages : 1
  const polled = usePolled<readonly Page<Item>[]>(
    key,
    (signal, previous) => {
      const kept = grows ? (previous ?? []).slice(0, -1) : []
      return loadPages({ path, query, kept, pages, signal })
    },
    isLive,
  )
  useOldDataReport(polled)
  const { data, failure, reload } = polled
  const hasMore = data !== null && data.at(-1)?.next !== null
  const loadMore = () => {
    setWanted({ key, pages: pages + 1 })
    reload()
  }
  return {
    items: data?.flatMap(({ items }) => items) ?? null,
    problem: failure?.problem ?? null,
    more: hasMore ? { isLoading: data.length < pages, load: loadMore } : null,
    reload,
  }
}

interface PagesToLoad<Item> {
  readonly path: string
  readonly query: Query
  /** The first pages, which are not loaded again. */
  readonly kept: readonly Page<Item>[]
  /** Maximum number of pages. */
  readonly pages: number
  readonly signal: AbortSignal
}

async function loadPages<Item>({
  path,
  query,
  kept,
  pages,
  signal,
}: PagesToLoad<Item>): Promise<Page<Item>[]> {
  const loaded = [...kept]
  while (loaded.length < pages) {
    const last = loaded.at(-1)
    if (last?.next === null) break
    const after = last?.next ?? query.after
    loaded.push(await call<Page<Item>>("GET", path, { query: { ...query, after }, signal }))
  }
  return loaded
}
