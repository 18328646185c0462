import type { MiddlewareHandler } from "hono"
import type { Directory } from "../core/ports/store/directory.ts"
import type { Principal } from "../core/ports/store/session-log.ts"
import type { AddPages } from "../http/app.ts"
import type { HttpEnv } from "../http/http-env.ts"
import { Problem } from "../http/problem.ts"
import type { Sessions } from "../kernel/sessions/sessions.ts"
import { operatorScopes } from "../operations/scopes.ts"
import type { FindTitles } from "../operations/titles.ts"
import { type ConsoleAccess, requireAccess, requireOwnPage } from "./access.ts"
import { addAccessRoutes } from "./routes/access.ts"
import { addConversationRoutes } from "./routes/conversations.ts"
import { addMemoryRoutes, type ConsoleMemory } from "./routes/memory.ts"
import { addOutboxRoutes, type ConsoleOutbox } from "./routes/outbox.ts"
import { addPageRoutes } from "./routes/page.ts"
import { addSandboxRoutes, type SandboxRoutesOptions } from "./routes/sandbox.ts"
import { addScheduleRoutes, type ScheduleRoutesOptions } from "./routes/schedules.ts"
import { addStatusRoutes, type StatusRoutesOptions } from "./routes/status.ts"
import { addToolSourceRoutes, type ToolSourceRoutesOptions } from "./routes/tool-sources.ts"
import { addWaitRoutes } from "./routes/waits.ts"

/** Path of the console, whatever the prefix of the HTTP API is. */
export const consolePath = "/console"

/** Owner of the sessions that the console starts. No API key and no application can use this tenant. */
export const consolePrincipal: Principal = { tenant: "console", userId: "operator" }

export interface ConsoleOptions
  extends Omit<StatusRoutesOptions, "prefix">,
    Pick<ScheduleRoutesOptions, "schedules">,
    Omit<ToolSourceRoutesOptions, "prefix">,
    Omit<SandboxRoutesOptions, "prefix"> {
  readonly access: ConsoleAccess
  /** Folder of the built page. */
  readonly folder: string
  readonly outbox: ConsoleOutbox
  readonly memory: () => ConsoleMemory
  readonly sessions: Sessions
  readonly directory: Directory
  readonly titles: FindTitles
}

/** Adds the page and its own routes. The conversations use the HTTP API. */
export function createConsolePages(options: ConsoleOptions): AddPages {
  const { access, folder, info, sessions, directory, outbox, memory, titles } = options
  const agents = info.agents.map(({ name }) => name)

  return (root, parts) => {
    const { issueSession, clientAddress, body, failures, isSecure, countOperator, addOperations } = parts
    addPageRoutes(root, consolePath, folder)
    const prefix = `${consolePath}/api`
    root.use(`${prefix}/*`, requireOwnPage)
    addAccessRoutes(root, { prefix, access, body, failures, isSecure })
    const admit = [requireAccess(access), countOperator]
    addOperations(root, prefix, admit)
    root.use(`${prefix}/*`, ...admit, requireAll)
    addConversationRoutes(root, {
      prefix,
      ...{ directory, agents, titles, issueSession, body },
      principal: consolePrincipal,
    })
    addWaitRoutes(root, { prefix, sessions, principal: consolePrincipal, clientAddress, body })
    addOutboxRoutes(root, { prefix, outbox, body })
    addScheduleRoutes(root, {
      ...{ prefix, schedules: options.schedules, body },
      agents: info.agents.filter(({ firesSchedules }) => firesSchedules).map(({ name }) => name),
      principal: consolePrincipal,
    })
    addMemoryRoutes(root, { prefix, memory, body })
    addSandboxRoutes(root, { ...options, prefix })
    addToolSourceRoutes(root, { ...options, prefix })
    addStatusRoutes(root, { ...options, prefix })
  }
}

/** Refuses operators who may not do and see everything. */
const requireAll: MiddlewareHandler<HttpEnv> = async (c, next) => {
  const { scopes, tenant } = c.get("operator")
  if (tenant === null && operatorScopes.every((scope) => scopes.includes(scope))) return next()
  throw new Problem(
    { code: "scope_missing", status: 403 },
    "This view needs an operator key with all scopes.",
  )
}
