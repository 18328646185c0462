import type { OwnersOrder } from "./read-as-owner.ts"
import { readHeldFiles } from "./read-held-files.ts"

/** Started by root. Becomes the user of the order, and answers with the files that the user's processes hold. */
process.once("message", async (order: OwnersOrder) => {
  process.setgroups?.([])
  process.setgid?.(order.gid)
  process.setuid?.(order.uid)
  const found = await readHeldFiles(order, new AbortController().signal)
  process.send?.(found, () => process.disconnect())
})
