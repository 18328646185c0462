/** Changes names of members, and keeps them unique: the second of two equal names is `name 2`. */
export function createRename(change: (name: string) => string): (name: string) => string {
  const counts = new Map<string, number>()
  return (name) => {
    const changed = change(name)
    const count = (counts.get(changed) ?? 0) + 1
    counts.set(changed, count)
    return count === 1 ? changed : `${changed} ${count}`
  }
}
