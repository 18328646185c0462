export interface Queued {
  readonly source: string
  /** The part of the source that the item is for, such as one of its sessions or users. */
  readonly member: string
  /** Size in characters. */
  readonly size: number
}

export interface TurnQueueLimits {
  readonly maxEntries: number
  readonly maxCharacters: number
}

/**
 * A queue in which sources take turns, and the members of each source. A source that adds a lot mostly delays
 * itself. A single source may fill half of the queue.
 */
export interface TurnQueue<Item extends Queued> {
  /** Adds an item. Returns false if the queue, or the source's share of it, is full. */
  add(item: Item): boolean
  /** Returns the next item of a source that may have a turn now. */
  take(mayRun: (source: string) => boolean): Item | null
  remove(item: Item): void
}

interface Source<Item> {
  /** Items by member, in the order of their next turns. */
  readonly members: Map<string, Item[]>
  entries: number
  characters: number
}

export function createTurnQueue<Item extends Queued>(limits: TurnQueueLimits): TurnQueue<Item> {
  // The sources are in the order of their next turns.
  const sources = new Map<string, Source<Item>>()
  let entries = 0
  let characters = 0

  function count(source: Source<Item>, sign: 1 | -1, { size }: Item): void {
    entries += sign
    characters += sign * size
    source.entries += sign
    source.characters += sign * size
  }

  function isFull({ entries: own, characters: ownCharacters }: Source<Item>, size: number): boolean {
    const { maxEntries, maxCharacters } = limits
    if (entries + 1 > maxEntries || characters + size > maxCharacters) return true
    return own + 1 > maxEntries / 2 || ownCharacters + size > maxCharacters / 2
  }

  return {
    add(item) {
      const source = sources.get(item.source) ?? { members: new Map(), entries: 0, characters: 0 }
      if (isFull(source, item.size)) return false
      sources.set(item.source, source)
      const items = source.members.get(item.member)
      if (items === undefined) source.members.set(item.member, [item])
      else items.push(item)
      count(source, 1, item)
      return true
    },
    take(mayRun) {
      for (const [name, source] of sources) {
        if (!mayRun(name)) continue
        const [first] = source.members
        if (first === undefined) continue
        const [member, items] = first
        const item = items.shift()
        // If they have more items, both go to the end of their lines.
        source.members.delete(member)
        if (items.length > 0) source.members.set(member, items)
        sources.delete(name)
        if (source.members.size > 0) sources.set(name, source)
        if (item === undefined) continue
        count(source, -1, item)
        return item
      }
      return null
    },
    remove(item) {
      const source = sources.get(item.source)
      const items = source?.members.get(item.member)
      const index = items?.indexOf(item) ?? -1
      if (source === undefined || items === undefined || index === -1) return
      items.splice(index, 1)
      count(source, -1, item)
      if (items.length === 0) source.members.delete(item.member)
      if (source.members.size === 0) sources.delete(item.source)
    },
  }
}
