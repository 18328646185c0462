import { createHash } from "node:crypto"
import { resolve } from "node:path"
import type { EnvironmentSettings } from "../../adapters/providers/choose/environment.ts"
import { isPostgresUrl } from "../../adapters/stores/options.ts"
import { makeIgnoredDirectory } from "../../adapters/stores/sqlite/database/make-directory.ts"
import { ConfigurationError, toError } from "../../core/errors.ts"
import type { Plugin } from "../../core/ports/plugin.ts"
import type { Principal } from "../../core/ports/store/session-log.ts"
import { largeResultsPlugin } from "../../features/large-results/plugin.ts"
import type { McpAuthorizationOptions } from "../../features/mcp/options.ts"
import { mcpPlugin } from "../../features/mcp/plugin.ts"
import { memoryPlugin } from "../../features/memory/plugin.ts"
import { codeExecutionPlugin } from "../../features/sandbox/code-execution/plugin.ts"
import type { ScheduleDefinition } from "../../features/schedules/options.ts"
import { schedulesPlugin } from "../../features/schedules/plugin.ts"
import { skillsPlugin } from "../../features/skills/plugin.ts"
import { subAgentsPlugin } from "../../features/sub-agents/plugin.ts"
import { toPrincipalOfPerson } from "../../http/auth/principal.ts"
import { mcpCallbackPath } from "../../http/routes/mcp-callback.ts"
import { compactionPlugin } from "../../kernel/compaction/plugin.ts"
import type { ResolvedAgentServer, ResolvedServer } from "../options/gateway-options.ts"
import { localPrincipal } from "../runs/start-run.ts"
import { isMemoryStore } from "../service/open-store.ts"
import { orderPlugins } from "./order-plugins.ts"

/** Names of the plugins below. The agent's own plugins may come after them. */
const builtInNames = [
  "code_execution",
  "compaction",
  "large_results",
  "mcp",
  "memory",
  "schedules",
  "skills",
  "sub_agents",
]

/** Returns the plugins that the agent's options stand for and the agent's own plugins, in the order of their setup. */
export function createPlugins(
  options: ResolvedAgentServer,
  server: ResolvedServer,
  settings: EnvironmentSettings,
): readonly Plugin[] {
  const { codeExecution, subAgents, schedules, allowSchedules, compaction, plugins } = options
  const { skillsDir, memory, largeResults, allowedModels } = options
  const { store, callbackTimeoutMs } = server
  const builtIn: Plugin[] = []
  if (codeExecution !== false) {
    const environment = {
      directory: chooseDirectory(store),
      prepareDirectory,
      ephemeral: isMemoryStore(store),
      dockerSocket: settings.dockerSocket,
      searchPath: settings.env.PATH,
      callbackTimeoutMs,
    }
    builtIn.push(codeExecutionPlugin(codeExecution === true ? {} : codeExecution, environment))
  }
  if (skillsDir !== undefined) builtIn.push(skillsPlugin({ ...options, skillsDir }))
  builtIn.push(mcpPlugin({ ...options, ...chooseCallback(server) }, settings))
  if (compaction !== false) builtIn.push(compactionPlugin(options))
  if (memory !== false) builtIn.push(memoryPlugin(memory === true ? {} : memory))
  if (subAgents !== false) {
    const models = allowedModels ?? []
    builtIn.push(subAgentsPlugin({ models, ...(subAgents === true ? {} : subAgents) }))
  }
  // With an empty list, the plugin removes the schedules of former options.
  if (schedules !== undefined || allowSchedules !== false) builtIn.push(schedulesPlugin(options, toOwner))
  if (largeResults !== false) builtIn.push(largeResultsPlugin(largeResults))
  return orderPlugins([...builtIn, ...plugins], builtInNames)
}

/** Returns the address of the callback route as browsers reach it, if it is known. */
function chooseCallback({ mcpOAuthRedirectUrl, publicUrl, prefix }: ResolvedServer): McpAuthorizationOptions {
  if (mcpOAuthRedirectUrl !== undefined) return { mcpOAuthRedirectUrl }
  if (publicUrl === undefined) return {}
  return { mcpOAuthRedirectUrl: `${publicUrl}${prefix.replace(/\/$/, "")}${mcpCallbackPath}` }
}

function toOwner({ userId, tenant }: ScheduleDefinition): Principal {
  return userId === undefined ? localPrincipal : toPrincipalOfPerson({ userId, tenant })
}

function prepareDirectory(directory: string): void {
  try {
    makeIgnoredDirectory(resolve(directory))
  } catch (cause) {
    const { message } = toError(cause)
    throw new ConfigurationError(`codeExecution: the directory ${directory} cannot be used: ${message}.`, {
      cause,
    })
  }
}

/**
 * Returns a directory for the sessions of this store alone. It is not inside the data directory, because the users
 * that run code have no access to that.
 */
function chooseDirectory(store: ResolvedServer["store"]): string {
  const name = ".agent-gateway-sandbox"
  if (isMemoryStore(store)) return name
  if (typeof store === "object") return `${name}-own-store`
  if (!isPostgresUrl(store)) return `${store.replace(/\/+$/, "")}-sandbox`
  const { host, pathname } = new URL(store)
  return `${name}-${createHash("sha256").update(`${host}${pathname}`).digest("hex").slice(0, 12)}`
}
