import type { Principal } from "../../../core/ports/store/session-log.ts"
import type { HeldPlaces, Shares } from "../../../core/ports/store/shares.ts"

/** A session that may be claimed. */
export interface Candidate extends Principal {
  readonly id: string
  readonly epoch: number
  readonly owner: string | null
  readonly lastUsedAt: number
  /** Orders sessions that were used in the same millisecond. */
  readonly arrival: number
}

/** Determines whose turn it is among any number of sessions, of which it keeps only a few. */
export interface Turns {
  /** Adds a session, in any order. A session may be added more than once. */
  add(candidate: Candidate): void
  /** Returns the sessions to claim. Tenants take turns, and so do the principals of a tenant. */
  next(): readonly Candidate[]
}

/** The number of turns that a tenant or a principal has had. */
interface Had {
  readonly count: number
  readonly lastTurn: number
}

/** A session with the number of the turn that it would get. */
interface Placed extends Had {
  readonly candidate: Candidate
}

interface Waiting extends Had {
  /** The least recently used sessions, at most as many as may be claimed. */
  readonly oldest: Candidate[]
}

const nothing: Had = { count: 0, lastTurn: 0 }

export function createTurns(limit: number, shares: Shares | undefined): Turns {
  const { held = [], perPrincipal = limit, perTenant = limit, forPresentTenants = limit } = shares ?? {}
  const { perTenantOfPresentPrincipals: ofPresentPrincipals = perTenant } = shares ?? {}
  const hadByPrincipal = new Map(held.map((places) => [toKey(places), places]))
  const hadByTenant = sumByTenant(held)
  const tenants = new Map<string, Map<string, Waiting>>()

  function findWaiting({ tenant, userId }: Principal): Waiting {
    const users = tenants.get(tenant) ?? new Map<string, Waiting>()
    tenants.set(tenant, users)
    const known = users.get(userId)
    if (known !== undefined) return known
    const { count, lastTurn } = hadByPrincipal.get(toKey({ tenant, userId })) ?? nothing
    const waiting = { count, lastTurn, oldest: [] }
    users.set(userId, waiting)
    return waiting
  }

  function placeTenant(tenant: string, users: ReadonlyMap<string, Waiting>): readonly Placed[] {
    const chosen: Placed[] = []
    for (const { oldest, count, lastTurn } of users.values()) {
      insertAll(chosen, numberTurns(oldest, { count, lastTurn }, perPrincipal), limit)
    }
    const inOrder = chosen.map(({ candidate }) => candidate)
    return numberTurns(inOrder, hadByTenant.get(tenant) ?? nothing, perTenant).filter(
      ({ count }, index) => chosen[index]?.count === 1 || count <= ofPresentPrincipals,
    )
  }

  return {
    add(candidate) {
      const { oldest } = findWaiting(candidate)
      if (oldest.some(({ id }) => id === candidate.id)) return
      insert(oldest, candidate, { limit, isBefore: isUsedEarlier })
    },
    next() {
      const chosen: Placed[] = []
      for (const [tenant, users] of tenants) insertAll(chosen, placeTenant(tenant, users), limit)
      return chosen
        .filter(({ count }, index) => count === 1 || index < forPresentTenants)
        .map(({ candidate }) => candidate)
    },
  }
}

/** Numbers the turns of sessions in their order, up to the share. */
function numberTurns(
  candidates: readonly Candidate[],
  { count, lastTurn }: Had,
  share: number,
): readonly Placed[] {
  const free = Math.max(0, share - count)
  return candidates
    .slice(0, free)
    .map((candidate, index) => ({ candidate, count: count + index + 1, lastTurn }))
}

function isEarlier(a: Placed, b: Placed): boolean {
  if (a.count !== b.count) return a.count < b.count
  if (a.lastTurn !== b.lastTurn) return a.lastTurn < b.lastTurn
  return isUsedEarlier(a.candidate, b.candidate)
}

function isUsedEarlier(a: Candidate, b: Candidate): boolean {
  return a.lastUsedAt === b.lastUsedAt ? a.arrival < b.arrival : a.lastUsedAt < b.lastUsedAt
}

/** Inserts sorted items. After one that is too late, all further items are too late. */
function insertAll(into: Placed[], items: readonly Placed[], limit: number): void {
  for (const item of items) if (!insert(into, item, { limit, isBefore: isEarlier })) return
}

/** Inserts an item into a short sorted list. Returns false if the item is too late. */
function insert<Item>(
  into: Item[],
  item: Item,
  { limit, isBefore }: { readonly limit: number; readonly isBefore: (a: Item, b: Item) => boolean },
): boolean {
  const last = into.at(-1)
  if (into.length >= limit && last !== undefined && !isBefore(item, last)) return false
  const index = into.findIndex((other) => isBefore(item, other))
  into.splice(index === -1 ? into.length : index, 0, item)
  if (into.length > limit) into.pop()
  return true
}

function sumByTenant(held: readonly HeldPlaces[]): ReadonlyMap<string, Had> {
  const tenants = new Map<string, Had>()
  for (const { tenant, count, lastTurn } of held) {
    const had = tenants.get(tenant) ?? nothing
    tenants.set(tenant, { count: had.count + count, lastTurn: Math.max(had.lastTurn, lastTurn) })
  }
  return tenants
}

function toKey({ tenant, userId }: Principal): string {
  return JSON.stringify([tenant, userId])
}
