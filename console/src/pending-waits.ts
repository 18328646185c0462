import { useEffect, useState } from "preact/hooks"
import type { OperationOutput } from "../../src/operations/operations.ts"
import { call } from "./api.ts"
import { useScope } from "./operator-scopes.ts"

/** Milliseconds between two requests, while the page is visible. */
const pollMs = 5_000

/** Returns the number of open approvals and questions of all sessions. */
export function usePendingWaits(): number {
  const [count, setCount] = useState(0)
  const canRead = useScope("read")
  useEffect(() => {
    if (!canRead) return
    const controller = new AbortController()
    const look = () => {
      if (document.hidden) return
      call<OperationOutput<"waits.list">>("GET", "waits", { signal: controller.signal }).then(
        ({ items }) => setCount(items.filter(({ kind }) => kind !== "child" && kind !== "timer").length),
        // The views report a lost connection. The last count stays until the next request.
        () => undefined,
      )
    }
    look()
    const timer = setInterval(look, pollMs)
    return () => {
      clearInterval(timer)
      controller.abort()
    }
  }, [canRead])
  return count
}
