import type { AddPages } from "../http/app.ts"
import { type ConsoleAccess, requireAccess, requireOwnPage } from "./access.ts"
import { addAccessRoutes } from "./routes/access.ts"
import { addConversationRoute } from "./routes/conversations.ts"
import { addPageRoutes } from "./routes/page.ts"

/** Path of the console, whatever the prefix of the HTTP API is. */
export const consolePath = "/console"

export interface ConsoleOptions {
  readonly access: ConsoleAccess
  /** Folder of the built page. */
  readonly folder: string
  /** The gateway's address as browsers reach it, if it is known. */
  readonly publicUrl: string | undefined
}

/** Adds the page, its sign-in, and the operations for it. The conversations use the HTTP API. */
export function createConsolePages({ access, folder, publicUrl }: ConsoleOptions): AddPages {
  return (root, parts) => {
    addPageRoutes(root, consolePath, folder)
    const prefix = `${consolePath}/api`
    root.use(`${prefix}/*`, requireOwnPage(publicUrl))
    addAccessRoutes(root, { ...parts, prefix, access })
    const admit = [requireAccess(access), parts.countOperator]
    addConversationRoute(root, { ...parts, prefix, admit })
    parts.addOperations(root, prefix, admit)
  }
}
