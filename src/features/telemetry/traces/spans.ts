import type { Context, Span, SpanContext, SpanOptions, Tracer } from "@opentelemetry/api"
import type { Traces } from "../../../core/ports/traces.ts"
import { parseTraceparent } from "../../../core/runs/trace-context.ts"
import type { Attributes } from "./conventions.ts"

export type OpenTelemetry = typeof import("@opentelemetry/api")

export interface NewSpan {
  /** Id of the work. While the span is open, the work has no other one. */
  readonly id: string
  /** The span ends with that of its owner, at the latest: a run, or itself. */
  readonly owner: string
  readonly name: string
  readonly kind: "client" | "internal"
  readonly attributes: Attributes
  /** Id of an open span, or a `traceparent`. Null for the root of a trace. */
  readonly parent: string | null
  readonly links?: readonly SpanContext[]
  /** Milliseconds since the Unix epoch, by the clock that measures its end too. Default: now, for both. */
  readonly startedAt?: number
}

export interface SpanEnd {
  readonly attributes?: Attributes
  /** Status text of the error: its code, or its message. Null if there is none. */
  readonly error?: string | null
  readonly endedAt?: number
}

interface OpenSpan {
  readonly span: Span
  readonly owner: string
}

/** The open spans of this process. Their number is bounded by the work that the process does at once. */
export class OpenSpans implements Traces {
  readonly #otel: OpenTelemetry
  readonly #tracer: Tracer
  readonly #open = new Map<string, OpenSpan>()

  constructor(otel: OpenTelemetry, tracer: Tracer) {
    this.#otel = otel
    this.#tracer = tracer
  }

  get size(): number {
    return this.#open.size
  }

  /** Ends an open span of the same id first. */
  start(given: NewSpan): void {
    const { ROOT_CONTEXT, SpanKind } = this.#otel
    const { id, owner, name, kind, attributes, parent, links = [], startedAt } = given
    this.end(id)
    const options: SpanOptions = {
      kind: kind === "client" ? SpanKind.CLIENT : SpanKind.INTERNAL,
      attributes: { ...attributes },
      links: links.map((context) => ({ context })),
      // The API reads a small number as a time since the start of the process.
      ...(startedAt !== undefined && { startTime: new Date(startedAt) }),
    }
    // The active context of this moment may belong to another session.
    const context = parent === null ? ROOT_CONTEXT : this.#contextOf(parent, ROOT_CONTEXT)
    this.#open.set(id, { span: this.#tracer.startSpan(name, options, context), owner })
  }

  has(id: string): boolean {
    return this.#open.has(id)
  }

  setAttributes(id: string, attributes: Attributes): void {
    this.#open.get(id)?.span.setAttributes({ ...attributes })
  }

  setError(id: string, message: string): void {
    this.#open.get(id)?.span.setStatus({ code: this.#otel.SpanStatusCode.ERROR, message })
  }

  /** Does nothing if there is no open span of this id. */
  end(id: string, { attributes = {}, error = null, endedAt }: SpanEnd = {}): void {
    const found = this.#open.get(id)
    if (found === undefined) return
    this.#open.delete(id)
    const { span } = found
    span.setAttributes({ ...attributes })
    if (error !== null) span.setStatus({ code: this.#otel.SpanStatusCode.ERROR, message: error })
    span.end(endedAt === undefined ? undefined : new Date(endedAt))
  }

  /** Ends all spans of the owner but its own. */
  endAllOf(owner: string, end: SpanEnd): void {
    for (const [id, span] of this.#open) if (span.owner === owner && id !== owner) this.end(id, end)
  }

  spanContextOf(id: string): SpanContext | null {
    const context = this.#open.get(id)?.span.spanContext()
    return context !== undefined && this.#otel.isSpanContextValid(context) ? context : null
  }

  traceparentOf(id: string): string | null {
    const context = this.spanContextOf(id)
    return context === null ? null : formatTraceparent(context)
  }

  within<Value>(id: string, work: () => Value): Value {
    const { context } = this.#otel
    return context.with(this.#contextOf(id, context.active()), work)
  }

  #contextOf(parent: string, base: Context): Context {
    const { trace } = this.#otel
    const open = this.#open.get(parent)
    if (open !== undefined) return trace.setSpan(base, open.span)
    const remote = parseSpanContext(parent)
    return remote === null ? base : trace.setSpanContext(base, remote)
  }
}

/** Returns null unless the text is a `traceparent`. */
export function parseSpanContext(text: string): SpanContext | null {
  const traceparent = parseTraceparent(text)
  if (traceparent === null) return null
  const [, traceId = "", spanId = "", flags = ""] = traceparent.split("-")
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true }
}

function formatTraceparent({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${(traceFlags & 0xff).toString(16).padStart(2, "0")}`
}
