/** Changes names of members, and keeps apart those that become equal: the second one is `name 2`. */
export function createRename(change: (name: string) => string): (name: string) => string {
  const counts = new Map<string, number>()
  return (name) => {
    const changed = change(name)
    const count = (counts.get(changed) ?? 0) + 1
    counts.set(changed, count)
    return count === 1 ? changed : `${changed} ${count}`
  }
}
