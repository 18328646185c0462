type Parameters = Readonly<Record<string, string | number | boolean | undefined>>

/** Returns a path with its query. A parameter that is undefined, false or empty is left out. */
export function formatPath(path: string, parameters: Parameters): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== false && value !== "") query.set(name, `${value}`)
  }
  return query.size === 0 ? path : `${path}?${query}`
}
