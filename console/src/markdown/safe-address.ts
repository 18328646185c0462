const protocols: readonly string[] = ["http:", "https:", "mailto:"]

/** Returns an address that may become a link. Returns null for scripts, files and addresses within the console. */
export function toSafeAddress(href: string): string | null {
  if (!URL.canParse(href)) return null
  const url = new URL(href)
  return protocols.includes(url.protocol) ? url.href : null
}
