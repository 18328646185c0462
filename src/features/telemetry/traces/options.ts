import { z } from "zod"
import { declareOptions } from "../../../platform/options/declare-options.ts"

export interface TracesOptions {
  /** If set, the gateway sends spans to the OpenTelemetry SDK of this process. Default: none. */
  readonly telemetry?: TracesSettings
}

export interface TracesSettings {
  /** Version of the names of spans and attributes. A later gateway may offer others, and keeps this one. */
  readonly conventions: "0.1.0"
  /**
   * If true, spans contain what users, models and tools said, with the masks of `redact`. Default false.
   */
  readonly content?: boolean
}

export const tracesOptions = declareOptions<TracesOptions>()({
  telemetry: z
    .strictObject({ conventions: z.literal("0.1.0"), content: z.boolean().default(false) })
    .optional(),
})
