import { serveRequests } from "../../../platform/workers/serve-requests.ts"
import { isRefused } from "./process-files.ts"
import type { OwnersOrder } from "./read-as-owner.ts"
import { type HeldFiles, readHeldFiles } from "./read-held-files.ts"

/**
 * Root starts this program. It switches to the user of the order, and responds with the files that the user's
 * processes hold.
 */
serveRequests(async (order: OwnersOrder): Promise<HeldFiles | "over" | "closed"> => {
  process.setgroups?.([])
  process.setgid?.(order.gid)
  process.setuid?.(order.uid)
  return readHeldFiles(order, new AbortController().signal).catch((error: unknown) => {
    if (isRefused(error)) return "closed"
    throw error
  })
})
