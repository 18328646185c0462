/**
 * Returns the milliseconds to wait that a response requests: `retry-after-ms`, or `retry-after` in seconds or as a
 * date (RFC 9110, 10.2.3). Undefined if neither is readable.
 */
export function parseRetryAfter(headers: Headers, now: number): number | undefined {
  const milliseconds = Number.parseFloat(headers.get("retry-after-ms") ?? "")
  if (milliseconds >= 0) return Math.round(milliseconds)
  const header = headers.get("retry-after") ?? ""
  const wait = /^[\d.]+$/.test(header) ? Number.parseFloat(header) * 1000 : Date.parse(header) - now
  return Number.isFinite(wait) ? Math.max(0, Math.round(wait)) : undefined
}
