import type { Usage } from "ai-agent-gateway/client"

/** Returns the number of all input tokens, including cached ones. */
export function inputOf(usage: Usage): number {
  return usage.input_tokens + usage.cache_creation_input_tokens + usage.cache_read_input_tokens
}

const counts = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 })

export function countText(count: number): string {
  return counts.format(count)
}

/** Formats US dollars, with more digits for small amounts. Null means that the price of a model is not known. */
export function costText(dollars: number | null): string {
  if (dollars === null) return "price unknown"
  if (dollars === 0) return "$0"
  return dollars < 0.01 ? `$${dollars.toPrecision(2)}` : `$${dollars.toFixed(2)}`
}

export function durationText(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`
  const minutes = Math.floor(ms / 60_000)
  return minutes < 60 ? `${minutes} min ${Math.round((ms % 60_000) / 1_000)} s` : ageText(ms)
}

export function agoText(ms: number): string {
  return ms < 60_000 ? "just now" : `${ageText(ms)} ago`
}

/** Formats a duration in its largest unit. */
export function ageText(ms: number): string {
  const minutes = Math.floor(ms / 60_000)
  if (minutes < 1) return "under 1 min"
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} days`
}

export function bytesText(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`
  return bytes < 1_000_000 ? `${(bytes / 1_000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`
}
