import { createHash } from "node:crypto"

const longestName = 64

/**
 * Replaces characters that providers do not accept in a tool's name: all except ASCII letters, digits, `_` and `-`.
 */
export function cleanName(name: string): string {
  return name.replace(/[^a-zA-Z0-9_-]/g, "_")
}

/** Truncates a clean name to its maximum length, 64 by default. A truncated name ends with a hash of `whole`. */
export function fitName(clean: string, whole: string, longest = longestName): string {
  return clean.length <= longest ? clean : markName(clean, whole, longest)
}

/** Ends a clean name with a hash of `whole`, and truncates the name to make room for it. */
export function markName(clean: string, whole: string, longest = longestName): string {
  const mark = createHash("sha256").update(whole).digest("hex").slice(0, 8)
  return `${clean.slice(0, longest - mark.length - 1)}_${mark}`
}
