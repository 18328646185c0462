import { useEffect, useState } from "preact/hooks"

/** A view of the console, as the part of the address after `#` names it. */
export interface Route {
  /** For example `["chat", "sess_1"]`. */
  readonly path: readonly string[]
  readonly query: URLSearchParams
}

function parseRoute(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?")
  return { path: path.split("/").filter(Boolean).map(decode), query: new URLSearchParams(query) }
}

export function formatHref(
  path: readonly string[],
  query: Readonly<Record<string, string | null>> = {},
): string {
  const parameters = Object.entries(query).filter(([, value]) => value !== null && value !== "")
  const search = new URLSearchParams(parameters as [string, string][]).toString()
  return `#/${path.map(encodeURIComponent).join("/")}${search === "" ? "" : `?${search}`}`
}

export function navigate(href: string): void {
  location.hash = href
}

export function useRoute(): Route {
  const [hash, setHash] = useState(location.hash)
  useEffect(() => {
    const onChange = () => setHash(location.hash)
    addEventListener("hashchange", onChange)
    return () => removeEventListener("hashchange", onChange)
  }, [])
  return parseRoute(hash)
}

/** A user may have typed an address without encoding it. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
