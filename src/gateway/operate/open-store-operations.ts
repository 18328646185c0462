import { defaultStore } from "../../adapters/stores/options.ts"
import { omitUndefined } from "../../core/defined-only.ts"
import { ConfigurationError } from "../../core/errors.ts"
import { randomIds } from "../../core/ids.ts"
import type { Store } from "../../core/ports/store/store.ts"
import { requireStorePart } from "../../core/require-store-part.ts"
import { systemClock } from "../../core/time/clock.ts"
import { createDecisions } from "../../kernel/sessions/answering/decisions.ts"
import { createSchemaChecker } from "../../kernel/tools/schema-check/schema-checker.ts"
import { callByName, everyone, type Operate } from "../../operations/operations.ts"
import type { OperationParts } from "../../operations/parts.ts"
import { createMask } from "../../platform/logging/mask.ts"
import { resolveSecretsKey } from "../options/secrets-key.ts"
import { openRequestReader } from "../service/open-requests.ts"
import { createLogReaders } from "./log-readers.ts"
import { openExistingStore } from "./open-existing-store.ts"
import { createGatewaySchedules, selectScheduleParts } from "./schedules.ts"

export interface StoreOperationsOptions {
  /** Data directory, or postgres:// URL. Default: the default store. */
  readonly store: string | undefined
  /** Name of the person in the audit trail. Null if it is not known. */
  readonly person: string | null
  /** Key that encrypts in the store. Default: that of the data directory. */
  readonly secretsKey: string | undefined
  readonly signal: AbortSignal
}

export interface StoreOperations {
  /** Rejects with a `ConfigurationError` if the operation needs a running gateway. */
  readonly operate: Operate
  close(): Promise<void>
}

/**
 * Opens the operations on a store, even while a server runs on it. A running server notices a change within a second,
 * and a stopped one at its next start.
 */
export async function openStoreOperations(options: StoreOperationsOptions): Promise<StoreOperations> {
  const { store: place = defaultStore, person, secretsKey, signal } = options
  const store = await openExistingStore(place)
  const schemas = createSchemaChecker()
  const parts = createParts(store, schemas.check, { place, secretsKey })
  const decidedBy = { via: "cli", tenant: null, userId: person, address: null } as const
  return {
    operate: (name, input) => callByName(name, parts, input, { ...everyone, decidedBy, signal }),
    async close() {
      await schemas.close()
      await store.close()
    },
  }
}

function createParts(
  store: Store,
  checkSchema: ReturnType<typeof createSchemaChecker>["check"],
  { place, secretsKey }: { readonly place: string; readonly secretsKey: string | undefined },
): OperationParts {
  const { log, directory, approvals, outbox, clock = systemClock } = store
  const onAnswered = () => Promise.resolve()
  return {
    ...createLogReaders(store, createMask([])),
    directory,
    sessions: {
      ...createDecisions({ log, approvals, checkSchema, clock, onAnswered }),
      session: (sessionId) => log.session(sessionId),
      cancel: (sessionId, runId) => log.put({ type: "cancel", sessionId, runId, at: clock.now() }),
      revoke: (sessionId, options) => log.revokeSession(sessionId, clock.now(), options),
    },
    schedules: createGatewaySchedules(async () => selectScheduleParts(store, randomIds)),
    attempts: () =>
      openRequestReader(store, () => resolveSecretsKey({ store: place, ...omitUndefined({ secretsKey }) })),
    memory: () => requireStorePart(store.memory, "memory", "the operations on memories"),
    forgetRequests: async (owner) => store.keptRequests?.removeOf(owner),
    outbox,
    tools: requireGateway,
    toolSources: requireGateway,
    sandboxes: requireGateway,
    info: requireGateway,
    readiness: async () => requireGateway(),
    configuration: requireGateway,
  }
}

function requireGateway(): never {
  throw new ConfigurationError(
    "This needs a running gateway, because its store does not know it: give the gateway's address with --url.",
  )
}
