import { omitUndefined } from "../../core/defined-only.ts"
import type { Logger } from "../../core/ports/logger.ts"
import type { Observer } from "../../core/ports/observer.ts"
import type { Store } from "../../core/ports/store/store.ts"
import { requireStorePart } from "../../core/require-store-part.ts"
import { createRequestKeeper, removeOldRequests } from "../../features/telemetry/requests/keep-requests.ts"
import { createRequestReader, type RequestReader } from "../../features/telemetry/requests/read-requests.ts"
import type { PrepareOptions } from "../gateway.ts"
import type { ResolvedServer } from "../options/gateway-options.ts"
import { resolveSecretsKey } from "../options/secrets-key.ts"

export interface OpenRequests {
  /** Empty if no requests are kept. */
  readonly observers: readonly Partial<Observer>[]
  /** Opens the reader, which finds nothing if the store cannot keep requests. */
  openReader(): Promise<RequestReader>
  /** Removes old requests, also those of a time when more were kept. */
  removeOld(now: number, signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

interface RequestsProcess {
  readonly server: ResolvedServer
  readonly mode: PrepareOptions["mode"]
  readonly idle: boolean
  readonly logger: Logger
}

/** Opens what keeps the requests of model attempts, if the options ask for it. */
export async function openRequests(
  { server, mode, idle, logger }: RequestsProcess,
  { keptRequests }: Pick<Store, "keptRequests">,
  secretsKey: string | undefined,
): Promise<OpenRequests> {
  const { keepRequests, keepRequestsBytes: maxBytes, redact = [] } = server
  const keep = keepRequests ?? (mode === "dev" && keptRequests !== undefined ? "all" : "none")
  let key: Promise<Uint8Array | null> | null = null
  // A store in memory has another key at each call.
  const findKey = () => {
    key ??= resolveSecretsKey(omitUndefined({ store: server.store, secretsKey }))
    return key
  }
  const removeOld = async (now: number, signal: AbortSignal) => {
    if (keptRequests !== undefined) await removeOldRequests(keptRequests, { maxBytes, now, signal })
  }
  const openReader = () => openRequestReader({ keptRequests }, findKey)
  if (keep === "none" || idle) return { observers: [], openReader, removeOld, close: async () => {} }
  const store = requireStorePart(keptRequests, "keptRequests", "keepRequests")
  const parts = { store, key: await findKey(), keep, redact, maxBytes, logger }
  const { observer, close } = createRequestKeeper(parts)
  return { observers: [observer], openReader, removeOld, close }
}

/** Opens the reader of kept requests, which finds nothing if the store cannot have any. */
export async function openRequestReader(
  { keptRequests }: { readonly keptRequests?: Store["keptRequests"] | undefined },
  findKey: () => Promise<Uint8Array | null>,
): Promise<RequestReader> {
  if (keptRequests === undefined) return { list: async () => [], show: async () => null }
  return createRequestReader(keptRequests, await findKey())
}
