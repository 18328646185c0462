import type { OwnersOrder } from "./read-as-owner.ts"
import { isRefused, readHeldFiles } from "./read-held-files.ts"

/**
 * Started by root. Becomes the user of the order, and answers with the files that the user's processes hold. Then it
 * waits to be killed: its end could be noticed before its answer.
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
