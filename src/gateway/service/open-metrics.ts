import type { Logger } from "../../core/ports/logger.ts"
import type { Observer } from "../../core/ports/observer.ts"
import type { Store } from "../../core/ports/store/store.ts"
import { createMetrics, type MeasuredAgent } from "../../features/telemetry/metrics/metrics.ts"
import type { Operators } from "../../http/operate/operators.ts"
import type { PrepareOptions } from "../gateway.ts"
import { listenForMetrics } from "../listen/listen-for-metrics.ts"
import type { ResolvedServer } from "../options/gateway-options.ts"

export interface OpenMetrics {
  /** Empty if no one reads metrics. */
  readonly observers: readonly Partial<Observer>[]
  /** Undefined if no one reads metrics. */
  readonly read?: () => Promise<string>
  /** Listens on `metricsPort`, if there is one. */
  listen(): Promise<void>
  close(): Promise<void>
}

interface MeasuredProcess {
  readonly server: ResolvedServer
  readonly mode: PrepareOptions["mode"]
  readonly idle: boolean
  readonly logger: Logger
}

interface MeasuredParts {
  readonly store: Pick<Store, "figures">
  readonly agents: readonly MeasuredAgent[]
  readonly operators: Operators
}

/**
 * Opens the metrics if someone can read them: an operator with a key, or everyone who reaches `metricsPort`. A process
 * that serves no one, such as a command, has none.
 */
export async function openMetrics(
  { server, mode, idle, logger }: MeasuredProcess,
  { store, agents, operators }: MeasuredParts,
): Promise<OpenMetrics> {
  const { metricsPort: port, metricsHost: host } = server
  const hasReader = operators.keys.length > 0 || port !== undefined
  if (!hasReader || idle || mode === "run") {
    return { observers: [], listen: async () => {}, close: async () => {} }
  }
  const metrics = await createMetrics({ readFigures: store.figures?.bind(store), agents, logger })
  let stop: (() => Promise<void>) | null = null
  return {
    observers: [metrics.observer],
    read: metrics.read,
    async listen() {
      if (port !== undefined) stop = await listenForMetrics({ port, host, read: metrics.read, logger })
    },
    async close() {
      metrics.close()
      await stop?.()
    },
  }
}
