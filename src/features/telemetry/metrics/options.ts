import { z } from "zod"
import { declareOptions } from "../../../platform/options/declare-options.ts"

export interface MetricsOptions {
  /**
   * Port of a server of its own, which serves `GET /metrics` without a key. With 0, the system chooses a port, and the
   * log names it. Default: none, and only operators with the scope `metrics` read the path, on the gateway's own port.
   */
  readonly metricsPort?: number
  /** Address of that server. Everyone who reaches it can read the metrics. Default `127.0.0.1`. */
  readonly metricsHost?: string
}

export const metricsOptions = declareOptions<MetricsOptions>()({
  metricsPort: z.int().min(0).max(65_535).optional(),
  metricsHost: z.string().min(1).default("127.0.0.1"),
})
