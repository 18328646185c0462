/**
 * Returns the headers of a request: those of the SDK whose names match, and `own`, which take precedence. The names of
 * the result are in lower case. The SDKs take further headers from the environment, and have no option to prevent it.
 */
export function selectHeaders(
  fromSdk: RequestInit["headers"],
  names: RegExp,
  own: Readonly<Record<string, string>>,
): Record<string, string> {
  const selected: Record<string, string> = {}
  for (const [name, value] of fromSdk instanceof Headers ? fromSdk : new Headers(fromSdk)) {
    if (names.test(name)) selected[name] = value
  }
  for (const [name, value] of Object.entries(own)) selected[name.toLowerCase()] = value
  return selected
}
