import { setTimeout as delay } from "node:timers/promises"
import { eventually } from "../../end-to-end/support/eventually.ts"
import type { Cluster, SessionRow, Start } from "./cluster.ts"
import type { NodeProcess } from "./node-process.ts"

/**
 * A fault of the cluster. A node is killed; or a node is killed while the database is paused for `ms`; or a node is
 * paused for `ms` and then continues.
 */
export type Fault =
  | { readonly type: "kill" }
  | { readonly type: "outage"; readonly ms: number }
  | { readonly type: "pause"; readonly ms: number }

export interface RoundResult {
  /**
   * For each session of the failed node: milliseconds from the fault, or from the end of the outage, to the claim by
   * another node.
   */
  readonly claimedMs: readonly number[]
  /** The same, to the first start of a tool on another node. */
  readonly resumedMs: readonly number[]
  readonly violations: readonly string[]
}

const sessionsPerNode = 5
const pollMs = 20

/** Plays one fault, and checks the tools, the database and the log. */
export async function playRound(cluster: Cluster, round: string, fault: Fault): Promise<RoundResult> {
  const sessions = await startRuns(cluster, round)
  const [victim] = shuffled(cluster.nodes)
  if (victim === undefined) throw new Error("The cluster has no nodes.")
  const before = await cluster.rows(sessions)
  const homes = homesOf(await cluster.starts(sessions))
  const moved = sessions.filter((id) => homes.get(id) === victim.name)
  const stayed = sessions.filter((id) => homes.get(id) !== victim.name)
  await delay(Math.random() * 1_000)

  const since = await strike(cluster, victim, fault)
  const claims = await watchClaims(cluster, { sessions: moved, before })
  const resumed = await eventually("the tools on other nodes", async () => {
    const starts = (await cluster.starts(moved)).filter(({ node, at }) => node !== victim.name && at >= since)
    const first = moved.map((id) => starts.find(({ sessionId }) => sessionId === id)?.at)
    return first.every((at) => at !== undefined) ? first : null
  })
  if (fault.type === "pause") {
    await delay(Math.max(0, since + fault.ms - Date.now()))
    victim.signal("SIGCONT")
    await delay(1_000)
  }
  await cluster.release(round)
  await eventually("the end of all runs", async () => {
    const rows = await cluster.rows(sessions)
    return rows.every(({ hasOpenRun, owner }) => !hasOpenRun && owner === null) ? true : null
  }).catch(() => undefined)
  const violations = [
    ...(await orphans(cluster, sessions)),
    ...repeatedCalls(await cluster.starts(sessions)),
    ...lateStarts(await cluster.starts(moved), { victim, claims, rows: await cluster.rows(moved) }),
    ...(await changedOwners(cluster, stayed, before)),
    ...(await wrongCounts(cluster, { moved, stayed, fault, claims })),
  ]
  if (fault.type !== "pause") await cluster.replace(victim)
  return {
    claimedMs: [...claims.values()].map(({ at }) => at - since),
    resumedMs: resumed.map((at) => (at ?? 0) - since),
    violations: violations.map((violation) => `${round}: ${violation}`),
  }
}

/** Resolves once every run has started a tool. */
async function startRuns(cluster: Cluster, round: string): Promise<readonly string[]> {
  const started = cluster.nodes.flatMap((node) =>
    Array.from({ length: sessionsPerNode }, () => cluster.startRun(node, round)),
  )
  const sessions = await Promise.all(started)
  await eventually("the first tools", async () =>
    homesOf(await cluster.starts(sessions)).size === sessions.length ? true : null,
  )
  return sessions
}

/** Causes the fault. Resolves to the time from which takeovers are measured. */
async function strike({ database }: Cluster, victim: NodeProcess, fault: Fault): Promise<number> {
  switch (fault.type) {
    case "kill": {
      const at = Date.now()
      await victim.kill()
      return at
    }
    case "pause":
      victim.signal("SIGSTOP")
      return Date.now()
    case "outage": {
      const end = Date.now() + fault.ms
      await database.pause()
      await delay(Math.random() * fault.ms * 0.9)
      await victim.kill()
      await delay(end - Date.now())
      await database.resume()
      return Date.now()
    }
    default:
      return fault satisfies never
  }
}

interface Claim {
  readonly at: number
  readonly row: SessionRow
}

async function watchClaims(
  cluster: Cluster,
  { sessions, before }: { readonly sessions: readonly string[]; readonly before: readonly SessionRow[] },
): Promise<ReadonlyMap<string, Claim>> {
  const claims = new Map<string, Claim>()
  const deadline = Date.now() + 30_000
  while (claims.size < sessions.length) {
    if (Date.now() > deadline)
      throw new Error(`Only ${claims.size} of ${sessions.length} sessions were taken.`)
    for (const row of await cluster.rows(sessions)) {
      const former = before.find(({ id }) => id === row.id)
      if (!claims.has(row.id) && row.epoch > (former?.epoch ?? 0)) claims.set(row.id, { at: Date.now(), row })
    }
    await delay(pollMs)
  }
  return claims
}

async function orphans(cluster: Cluster, sessions: readonly string[]): Promise<readonly string[]> {
  const rows = await cluster.rows(sessions)
  return rows
    .filter(({ hasOpenRun, owner }) => hasOpenRun || owner !== null)
    .map(({ id }) => `the run of ${id} did not end`)
}

function repeatedCalls(starts: readonly Start[]): readonly string[] {
  const charges = starts.filter(({ tool }) => tool === "charge")
  return charges
    .filter(({ toolCallId }, index) => charges.findIndex((each) => each.toolCallId === toolCallId) !== index)
    .map(({ toolCallId, node }) => `the plain call ${toolCallId} was started once more, on ${node}`)
}

/**
 * Returns starts of tools on the former node after another node had claimed the session. A session with a further
 * claim is left out: the other node released it, as a node does when its own heartbeat lapses, and the former node
 * may have claimed it again.
 */
function lateStarts(
  starts: readonly Start[],
  {
    victim,
    claims,
    rows,
  }: {
    readonly victim: NodeProcess
    readonly claims: ReadonlyMap<string, Claim>
    readonly rows: readonly SessionRow[]
  },
): readonly string[] {
  return starts.flatMap(({ node, tool, toolCallId, sessionId, at }) => {
    const claim = claims.get(sessionId)
    const epoch = rows.find(({ id }) => id === sessionId)?.epoch
    const isStale = claim !== undefined && epoch === claim.row.epoch && node === victim.name && at > claim.at
    return isStale
      ? [`${tool} ${toolCallId} was started on ${node} ${at - claim.at} ms after the takeover`]
      : []
  })
}

/** Returns sessions that live nodes have lost. */
async function changedOwners(
  cluster: Cluster,
  sessions: readonly string[],
  before: readonly SessionRow[],
): Promise<readonly string[]> {
  const rows = await cluster.rows(sessions)
  return rows
    .filter(({ id, epoch }) => epoch !== before.find((each) => each.id === id)?.epoch)
    .map(({ id }) => `${id} was taken from a live node`)
}

/** Returns sessions with a wrong count. A crash counts once, and a lapse never counts. */
async function wrongCounts(
  cluster: Cluster,
  {
    moved,
    stayed,
    fault,
    claims,
  }: {
    readonly moved: readonly string[]
    readonly stayed: readonly string[]
    readonly fault: Fault
    readonly claims: ReadonlyMap<string, Claim>
  },
): Promise<readonly string[]> {
  // A durable step may have reset the count before the check.
  const most = fault.type === "pause" ? 0 : 1
  const wrong = [...claims.values()].filter(({ row }) => row.takeovers > most)
  const lapsed = fault.type === "pause" ? [...moved, ...stayed] : stayed
  const crashes = await cluster.crashes(lapsed)
  return [
    ...wrong.map(({ row }) => `the takeover of ${row.id} was counted as ${row.takeovers} crashes`),
    ...(crashes > 0 ? [`${crashes} calls of nodes that did not crash were logged as crashed`] : []),
  ]
}

/** Returns the node on which each session's first tool ran. */
function homesOf(starts: readonly Start[]): ReadonlyMap<string, string> {
  return new Map(starts.toReversed().map(({ sessionId, node }) => [sessionId, node]))
}

function shuffled<Item>(items: readonly Item[]): readonly Item[] {
  return items
    .map((item) => ({ item, rank: Math.random() }))
    .toSorted((left, right) => left.rank - right.rank)
    .map(({ item }) => item)
}
