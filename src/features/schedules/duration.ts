const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** Returns the milliseconds of a text such as `30s`, `15m`, `6h` or `7d`. Null if the text is not a duration. */
export function parseDuration(text: string): number | null {
  const [, count, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? []
  if (count === undefined || unit === undefined) return null
  return Number(count) * unitMs[unit as keyof typeof unitMs]
}
