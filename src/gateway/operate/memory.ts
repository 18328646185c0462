import type { Logger } from "../../core/ports/logger.ts"
import type { Memory } from "../../core/ports/memory.ts"
import type { Principal } from "../../core/ports/session-log.ts"
import { principalOfPerson } from "../../http/auth/principal.ts"
import { createMemories, type Memories } from "../../memory/memories.ts"
import { type MemoryChoice, memorySettings } from "../../memory/options.ts"
import { localPrincipal } from "../runs/start-run.ts"

/** The memories of all users, for code. */
export interface GatewayMemory {
  /** Returns the memories of one user. Nothing is opened before the first call of one of its methods. */
  of(owner?: MemoryOwner): Memories
  /** Deletes all memories of a user, those of single agents included. Resolves to their number. */
  forgetUser(owner: Omit<MemoryOwner, "agent">): Promise<number>
}

export interface MemoryOwner {
  /** As `run` takes it. Default: the application itself. */
  readonly userId?: string
  /** Tenant of `userId`, as `run` takes it. Default `default`. */
  readonly tenant?: string
  /** In place of `userId` and `tenant`: a session's owner as `gateway.sessions` lists it, of an API key for example. */
  readonly principal?: Principal
  /** Name of the agent whose own memories are meant, for agents with `perAgent`. Default: those that agents share. */
  readonly agent?: string
}

export interface MemoryParts {
  /** The option `memory` of the agent; of the default agent for undefined. */
  readonly optionsOf: (agent: string | undefined) => MemoryChoice | undefined
  /** Opens the store at the first use. */
  readonly store: () => Promise<Memory>
  readonly logger: Logger
}

export function createGatewayMemory({ optionsOf, store, logger }: MemoryParts): GatewayMemory {
  return {
    of(owner = {}) {
      const settings = memorySettings(optionsOf(owner.agent))
      const scope = { ...principalOf(owner), agent: owner.agent ?? null }
      return createMemories(scope, { store: lazily(store), settings, logger })
    },
    forgetUser: async (owner) => (await store()).forgetAll(principalOf(owner)),
  }
}

function principalOf({ principal, userId, tenant }: MemoryOwner): Principal {
  if (principal !== undefined) return { tenant: principal.tenant, userId: principal.userId }
  return userId === undefined ? localPrincipal : principalOfPerson({ userId, tenant })
}

function lazily(store: () => Promise<Memory>): Memory {
  return {
    remember: async (memory, options) => (await store()).remember(memory, options),
    get: async (scope, key) => (await store()).get(scope, key),
    recall: async (scope, query) => (await store()).recall(scope, query),
    list: async (scope, query) => (await store()).list(scope, query),
    forget: async (scope, key, options) => (await store()).forget(scope, key, options),
    forgetNamed: async (scope, name) => (await store()).forgetNamed(scope, name),
    forgetAll: async (owner) => (await store()).forgetAll(owner),
    prune: async (limit) => (await store()).prune(limit),
  }
}
