import type { Observer } from "../../core/ports/observer.ts"
import type { Store } from "../../core/ports/store/store.ts"
import { noTraces, type Traces } from "../../core/ports/traces.ts"
import { createTraces } from "../../features/telemetry/traces/traces.ts"
import type { Agent } from "../agent/agent.ts"
import { createObservers } from "../hooks/observers.ts"
import { packageVersion } from "../package-version.ts"
import { type OpenMetrics, openMetrics } from "./open-metrics.ts"
import type { ServiceOptions } from "./open-parts.ts"
import { type OpenRequests, openRequests } from "./open-requests.ts"

export interface OpenTelemetry {
  /** All observers of the process as one. */
  readonly observers: Partial<Observer>
  readonly metrics: OpenMetrics
  readonly traces: Traces
  readonly requests: OpenRequests
}

/** Opens everything that observes the process. Loads no library that the application does not ask for. */
export async function openTelemetry(
  measured: Parameters<typeof openRequests>[0] & Pick<ServiceOptions, "settings">,
  parts: Parameters<typeof openMetrics>[1] & { readonly agents: readonly Agent[]; readonly store: Store },
): Promise<OpenTelemetry> {
  const { server, logger } = measured
  const { telemetry: settings, redact = [] } = server
  const traces =
    settings === undefined ? null : await createTraces({ settings, redact, version: packageVersion })
  const metrics = await openMetrics(measured, parts)
  const requests = await openRequests(
    measured,
    parts.store,
    server.secretsKey ?? measured.settings.secretsKey,
  )
  const own = [...metrics.observers, ...requests.observers, ...(traces === null ? [] : [traces.observer])]
  return {
    observers: createObservers(server, own, parts.agents, logger),
    metrics,
    traces: traces ?? noTraces,
    requests,
  }
}
