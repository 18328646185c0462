import type { Usage } from "ai-agent-gateway/client"

/** Returns the number of all input tokens, including cached ones. */
export function countInputTokens(usage: Usage): number {
  return usage.input_tokens + usage.cache_creation_input_tokens + usage.cache_read_input_tokens
}

const counts = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 })

export function countText(count: number): string {
  return counts.format(count)
}

export function numberText(value: number): string {
  return value.toLocaleString("en")
}

/** Formats US dollars, with more digits for small amounts. Null means that the price of a model is not known. */
export function formatCost(dollars: number | null): string {
  if (dollars === null) return "price unknown"
  if (dollars === 0) return "$0"
  return dollars < 0.01 ? `$${dollars.toPrecision(2)}` : `$${dollars.toFixed(2)}`
}

export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`
  const minutes = Math.floor(ms / 60_000)
  const seconds = Math.floor((ms % 60_000) / 1_000)
  if (minutes >= 60) return formatAge(ms)
  return seconds === 0 ? `${minutes} min` : `${minutes} min ${seconds} s`
}

export function formatAgo(ms: number): string {
  return ms < 60_000 ? "just now" : `${formatAge(ms)} ago`
}

/** Formats an elapsed time in its largest unit, rounded down. */
export function formatAge(ms: number): string {
  const minutes = Math.floor(ms / 60_000)
  if (minutes < 1) return "under 1 min"
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} days`
}

/** Formats the time until a moment in the future in its largest unit, rounded to the nearest number of that unit. */
export function formatTimeLeft(ms: number): string {
  if (ms < 60_000) return "under 1 min"
  const minutes = Math.round(ms / 60_000)
  if (minutes < 60) return `${minutes} min`
  const hours = Math.round(minutes / 60)
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} days`
}

const mebibyte = 1024 * 1024

/** Formats bytes in the units of the options `memoryMb` and `diskMb`. */
export function mebibytesText(bytes: number): string {
  if (bytes < mebibyte) return `${Math.ceil(bytes / 1024)} KiB`
  if (bytes < 1024 * mebibyte) return `${trim(bytes / mebibyte)} MiB`
  return `${trim(bytes / mebibyte / 1024)} GiB`
}

function trim(value: number): string {
  return value < 100 ? String(Number(value.toFixed(1))) : String(Math.round(value))
}

export function formatBytes(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`
  if (bytes < 1_000_000) return `${(bytes / 1_000).toFixed(1)} kB`
  return bytes < 1_000_000_000
    ? `${(bytes / 1_000_000).toFixed(1)} MB`
    : `${(bytes / 1_000_000_000).toFixed(1)} GB`
}

/** Describes the end of a run. An operator without the scope `content` sees only the code. */
export function formatRunError({
  code,
  message,
}: {
  readonly code: string
  readonly message?: string | undefined
}): string {
  return message === undefined ? code : `${code}: ${message}`
}
