import type { TracerProvider } from "@opentelemetry/api"
import { ConfigurationError } from "../../../core/errors.ts"
import type { Observer } from "../../../core/ports/observer.ts"
import type { Traces } from "../../../core/ports/traces.ts"
import type { TracesSettings } from "./options.ts"
import { OpenSpans, type OpenTelemetry } from "./spans.ts"
import { createTraceObserver } from "./trace-work.ts"

export interface TracesParts {
  readonly settings: TracesSettings
  /** Names of fields that are masked in content. */
  readonly redact: readonly string[]
  readonly version: string
  /** Default: that of the SDK which the process has registered. */
  readonly tracerProvider?: TracerProvider
}

export interface OpenTraces extends Traces {
  readonly observer: Partial<Observer>
  /** Number of open spans. */
  readonly size: number
}

/** Creates the spans of this process. Rejects with a `ConfigurationError` if OpenTelemetry's API is not installed. */
export async function createTraces(parts: TracesParts): Promise<OpenTraces> {
  const otel = await loadApi()
  const { settings, redact, version, tracerProvider = otel.trace } = parts
  const spans = new OpenSpans(otel, tracerProvider.getTracer("ai-agent-gateway", version))
  return {
    observer: createTraceObserver(spans, settings.content === true ? redact : null),
    traceparentOf: (id) => spans.traceparentOf(id),
    within: (id, work) => spans.within(id, work),
    get size() {
      return spans.size
    },
  }
}

async function loadApi(): Promise<OpenTelemetry> {
  try {
    return await import("@opentelemetry/api")
  } catch (cause) {
    const message = "telemetry needs the package @opentelemetry/api: npm install @opentelemetry/api."
    throw new ConfigurationError(message, { cause })
  }
}
