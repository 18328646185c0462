import { useEffect, useState } from "preact/hooks"
import { call } from "./api.ts"

/** Milliseconds between two requests, while the page is visible. */
const pollMs = 5_000

/** Returns the number of open approvals and questions of all sessions. */
export function usePendingWaits(): number {
  const [count, setCount] = useState(0)
  useEffect(() => {
    const controller = new AbortController()
    const look = () => {
      if (document.hidden) return
      call<{ readonly count: number }>("GET", "waits/count", { signal: controller.signal }).then(
        (answer) => setCount(answer.count),
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
  }, [])
  return count
}
