const bits = 5
const width = 2 ** bits

/**
 * An immutable list as a tree of 32 entries a node. A change copies one node per level instead of the whole list, so a
 * view with many parts can be extended for each event.
 */
export interface List<T> {
  readonly length: number
  /** Number of levels above the leaves. */
  readonly height: number
  readonly root: Node<T>
}

/** A leaf has entries, and a node above has nodes. Entries after the length of the list are ignored. */
type Node<T> = readonly (T | Node<T>)[]

export const emptyList: List<never> = { length: 0, height: 0, root: [] }

/** Returns the entry, or undefined outside the list. */
export function at<T>({ length, height, root }: List<T>, index: number): T | undefined {
  if (index < 0 || index >= length) return undefined
  let node: Node<T> | T | undefined = root
  for (let level = height; level >= 0; level--) node = (node as Node<T>)[position(index, level)]
  return node as T
}

/** Returns the list with another entry at the index, which is at most the length of the list. */
export function replaceAt<T>({ length, height, root }: List<T>, index: number, entry: T): List<T> {
  if (index === width ** (height + 1)) {
    return replaceAt({ length, height: height + 1, root: [root] }, index, entry)
  }
  return { length: Math.max(length, index + 1), height, root: replaceBelow(root, height, index, entry) }
}

function replaceBelow<T>(node: Node<T>, level: number, index: number, entry: T): Node<T> {
  const changed = node.slice()
  const place = position(index, level)
  changed[place] = level === 0 ? entry : replaceBelow((node[place] ?? []) as Node<T>, level - 1, index, entry)
  return changed
}

function position(index: number, level: number): number {
  return (index >>> (level * bits)) % width
}

export function append<T>(list: List<T>, entry: T): List<T> {
  return replaceAt(list, list.length, entry)
}

/** Returns the first entries. */
export function truncate<T>(list: List<T>, length: number): List<T> {
  return { ...list, length }
}

export function listOf<T>(entries: readonly T[]): List<T> {
  let root: Node<T> = entries
  let height = 0
  for (; root.length > width; height++) root = splitNodes(root)
  return { length: entries.length, height, root }
}

function splitNodes<T>(entries: Node<T>): readonly Node<T>[] {
  const count = Math.ceil(entries.length / width)
  return Array.from({ length: count }, (_, at) => entries.slice(at * width, (at + 1) * width))
}

export function toArray<T>({ length, height, root }: List<T>): readonly T[] {
  let entries = root
  for (let level = height; level > 0; level--) entries = (entries as readonly Node<T>[]).flat() as Node<T>
  return entries.slice(0, length) as readonly T[]
}

/** Returns the entries from an index to the end. */
export function entriesFrom<T>(list: List<T>, start: number): readonly T[] {
  const count = Math.max(0, list.length - start)
  return Array.from({ length: count }, (_, offset) => at(list, start + offset) as T)
}
