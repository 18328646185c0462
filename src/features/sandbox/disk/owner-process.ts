import { isRefused } from "./process-files.ts"
import type { OwnersOrder } from "./read-as-owner.ts"
import { readHeldFiles } from "./read-held-files.ts"

/**
 * Root starts this program. It switches to the user of the order, and responds with the files that the user's
 * processes hold. Then it waits to be killed, because its end could be noticed before its response.
 */
process.on("message", async (order: OwnersOrder) => {
  process.setgroups?.([])
  process.setgid?.(order.gid)
  process.setuid?.(order.uid)
  const found = await readHeldFiles(order, new AbortController().signal).catch((error: unknown) => {
    if (isRefused(error)) return "closed"
    throw error
  })
  process.send?.(found)
})
