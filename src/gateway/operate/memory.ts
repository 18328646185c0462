import type { Logger } from "../../core/ports/logger.ts"
import type { KeptRequests } from "../../core/ports/store/kept-requests.ts"
import type { Memory } from "../../core/ports/store/memory.ts"
import type { Principal } from "../../core/ports/store/session-log.ts"
import { requireStorePart } from "../../core/require-store-part.ts"
import { createMemories, type Memories } from "../../features/memory/memories.ts"
import { type MemoryChoice, resolveMemorySettings } from "../../features/memory/options.ts"
import { toPrincipalOfPerson } from "../../http/auth/principal.ts"
import { localPrincipal } from "../runs/start-run.ts"

/** The memories of all users, for code. */
export interface GatewayMemory {
  /** Returns the memories of one user. Opens nothing before the first call of one of its methods. */
  of(owner?: MemoryOwner): Memories
  /**
   * Deletes all memories of a user, including those of single agents. Resolves to their number, once no file of an
   * SQLite store contains them any more. Rejects with `store_unavailable` if other processes use the file too much;
   * then call it again.
   */
  forgetUser(owner: Omit<MemoryOwner, "agent">): Promise<number>
}

export interface MemoryOwner {
  /** User id, as in `run`. Default: the application itself. */
  readonly userId?: string
  /** Tenant of `userId`, as in `run`. Default `default`. */
  readonly tenant?: string
  /** In place of `userId` and `tenant`: the owner of a session from `gateway.sessions`, for example of an API key. */
  readonly principal?: Principal
  /**
   * Name of the agent whose own memories are used, for agents with `perAgent`. Default: the memories that agents
   * share.
   */
  readonly agent?: string
}

export interface MemoryParts {
  /** Returns the option `memory` of the agent, or of the default agent for undefined. */
  readonly optionsOf: (agent: string | undefined) => MemoryChoice | undefined
  /** Opens the store on first use. */
  readonly open: () => Promise<{
    readonly memory: Memory | undefined
    readonly keptRequests: KeptRequests | undefined
    readonly logger: Logger
  }>
}

export function createGatewayMemory({ optionsOf, open }: MemoryParts): GatewayMemory {
  return {
    of(owner = {}) {
      const settings = resolveMemorySettings(optionsOf(owner.agent))
      const scope = { ...toPrincipal(owner), agent: owner.agent ?? null }
      return openLazily(async () => {
        const { memory, logger } = await open()
        const store = requireStorePart(memory, "memory", "gateway.memory")
        return createMemories(scope, { store, settings, logger })
      })
    },
    async forgetUser(owner) {
      const { memory: stored, keptRequests } = await open()
      const memory = requireStorePart(stored, "memory", "gateway.memory")
      // Kept requests contain memories.
      await keptRequests?.removeOf(toPrincipal(owner))
      const count = await memory.forgetAll(toPrincipal(owner))
      await memory.erase?.()
      return count
    },
  }
}

function toPrincipal({ principal, userId, tenant }: MemoryOwner): Principal {
  if (principal !== undefined) return { tenant: principal.tenant, userId: principal.userId }
  return userId === undefined ? localPrincipal : toPrincipalOfPerson({ userId, tenant })
}

function openLazily(memories: () => Promise<Memories>): Memories {
  return {
    remember: async (memory, options) => (await memories()).remember(memory, options),
    update: async (change, options) => (await memories()).update(change, options),
    recall: async (query, options) => (await memories()).recall(query, options),
    get: async (key) => (await memories()).get(key),
    list: async (query) => (await memories()).list(query),
    forget: async (key) => (await memories()).forget(key),
    forgetAll: async () => (await memories()).forgetAll(),
  }
}
