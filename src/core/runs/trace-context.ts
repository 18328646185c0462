export interface FirstSpan {
  /**
   * The `traceparent` of the span of the run's first execution. The spans of further executions link to it. Absent
   * without traces, and in entries of older versions.
   */
  readonly span?: string
}

/** https://www.w3.org/TR/trace-context/, section 3.2. A later version may append fields, which start with a dash. */
const pattern = /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-.*)?$/
/** The flags that version 00 and its second level define: `sampled` and `random`. */
const knownFlags = 0b11

/**
 * Returns a `traceparent` that may be passed on. Returns null if there is none or if it is invalid, because an
 * invalid one is to be ignored. A later version is passed on as version 00, as the specification requires.
 */
export function parseTraceparent(given: string | null | undefined): string | null {
  // The pattern would read a longer text to its end.
  if (given == null || given.length > 512) return null
  const [, version, traceId, parentId, flags = "", more] = pattern.exec(given) ?? []
  if (version === undefined || traceId === undefined || parentId === undefined) return null
  if (version === "ff" || /^0+$/.test(traceId) || /^0+$/.test(parentId)) return null
  if (version === "00") return more === undefined ? given : null
  const passedOn = (Number.parseInt(flags, 16) & knownFlags).toString(16).padStart(2, "0")
  return `00-${traceId}-${parentId}-${passedOn}`
}

/** Returns the id of the trace, for logs. */
export function readTraceId(traceparent: string): string {
  return traceparent.slice(3, 35)
}
