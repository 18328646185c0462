/** Returns one cycle of the graph, with its first node repeated at the end. Null if there is none. */
export function findCycle(graph: ReadonlyMap<string, ReadonlySet<string>>): readonly string[] | null {
  const finished = new Set<string>()
  const visit = (node: string, path: readonly string[]): readonly string[] | null => {
    const start = path.indexOf(node)
    if (start !== -1) return [...path.slice(start), node]
    if (finished.has(node)) return null
    for (const next of graph.get(node) ?? []) {
      const cycle = visit(next, [...path, node])
      if (cycle !== null) return cycle
    }
    finished.add(node)
    return null
  }
  for (const node of graph.keys()) {
    const cycle = visit(node, [])
    if (cycle !== null) return cycle
  }
  return null
}
