/** Longer than any URL in use. An image itself would not fit. */
export const maxUrlLength = 8192

/**
 * Scheme, user, host and port of a URL. The host is ASCII (RFC 3986) and has at most the length of a domain name,
 * because parsing other hosts takes up to a millisecond each.
 */
export const addressStart =
  "^[Hh][Tt][Tt][Pp][Ss]?://([A-Za-z0-9._~!$&'()*+,;=:%-]{0,256}@)?([A-Za-z0-9_.-]{1,253}|\\[[0-9A-Fa-f:.]{2,45}\\])(:[0-9]{0,5})?([/?#]|$)"
const addressStartPattern = new RegExp(addressStart)

/** Returns true for a URL of HTTP or HTTPS. */
export function isWebAddress(url: string): boolean {
  return url.length <= maxUrlLength && addressStartPattern.test(url) && URL.canParse(url)
}
