const protocols: readonly string[] = ["http:", "https:", "mailto:"]

/** Returns an address that may be a link, or null: scripts, files and addresses within the console are none. */
export function safeAddress(href: string): string | null {
  if (!URL.canParse(href)) return null
  const url = new URL(href)
  return protocols.includes(url.protocol) ? url.href : null
}
