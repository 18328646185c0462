import { useEffect, useState } from "preact/hooks"
import { call, type Page, type Query } from "../api.ts"

export interface Loaded<Data> {
  /** Null until the first response. */
  readonly data: Data | null
  readonly problem: string | null
  readonly reload: () => void
}

/** Milliseconds between two requests for changing data, while the page is visible. */
const pollMs = 4_000

/** Loads data, and reloads it regularly unless `isLive` is false. */
export function useLoaded<Data>(path: string, query: Query = {}, isLive = true): Loaded<Data> {
  const [state, setState] = useState<{ readonly key: string; readonly data: Data | null }>({
    key: "",
    data: null,
  })
  const [problem, setProblem] = useState<string | null>(null)
  const [looks, setLooks] = useState(0)
  const key = JSON.stringify([path, query])

  useEffect(() => {
    const controller = new AbortController()
    call<Data>("GET", path, { query, signal: controller.signal }).then(
      (data) => {
        setState({ key, data })
        setProblem(null)
      },
      (error: Error) => {
        if (!controller.signal.aborted) setProblem(error.message)
      },
    )
    return () => controller.abort()
    // The data is loaded once more after `isLive` becomes false, because the last request may have preceded the last
    // change.
  }, [key, looks, isLive])
  const reload = () => setLooks((count) => count + 1)
  useEffect(() => {
    if (!isLive) return
    const timer = setInterval(() => {
      if (!document.hidden) reload()
    }, pollMs)
    return () => clearInterval(timer)
  }, [isLive])

  return { data: state.key === key ? state.data : null, problem, reload }
}

export interface LoadedPages<Item> {
  readonly items: readonly Item[] | null
  readonly problem: string | null
  /** Loads the next page. Null after the last page. */
  readonly loadMore: (() => void) | null
  readonly reload: () => void
}

/** Loads a list page by page. Only the first page is reloaded regularly. */
export function usePages<Item>(path: string, query: Query = {}, isLive = true): LoadedPages<Item> {
  const { data: first, problem, reload } = useLoaded<Page<Item>>(path, query, isLive)
  const [more, setMore] = useState<{ readonly key: string; readonly page: Page<Item> } | null>(null)
  const [failure, setFailure] = useState<string | null>(null)
  const key = JSON.stringify([path, query])
  const later = more?.key === key ? more.page : null
  const next = later === null ? (first?.next ?? null) : later.next

  const loadMore = () => {
    call<Page<Item>>("GET", path, { query: { ...query, after: next === null ? null : String(next) } }).then(
      (page) => setMore({ key, page: { items: [...(later?.items ?? []), ...page.items], next: page.next } }),
      (error: Error) => setFailure(error.message),
    )
  }
  return {
    items: first === null ? null : [...first.items, ...(later?.items ?? [])],
    problem: failure ?? problem,
    loadMore: next === null ? null : loadMore,
    reload,
  }
}
