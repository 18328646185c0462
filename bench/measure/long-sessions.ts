import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Child } from "../child.ts"
import type { LongSession, OpenedSession } from "../load/long-session.ts"
import { eventsOfTurn } from "../servers/long-session-size.ts"
import { median } from "../statistics.ts"
import { type Own, startLoad, startServer, startUpstream, withChildren } from "./processes.ts"

export interface LongSessionsSettings {
  /** Numbers of events in the sessions. */
  readonly events: readonly number[]
  /** Number of sessions of each size. */
  readonly sessions: number
  /** Number of rounds over the sessions for a process that has worked on them before. */
  readonly rounds: number
}

/** Milliseconds: the minimum and the median of all rounds. */
export interface Times {
  readonly least: number
  readonly median: number
}

export type Measures = Readonly<Record<keyof LongSession, Times>>

/**
 * `first`: the process has not worked on the session, which another process wrote. `warm`: the process has worked on
 * the session. `restarted`: like `first`, but this package has worked on the session before.
 */
export type Phase = "first" | "warm" | "restarted"

export interface LongSessionsRow {
  readonly events: number
  readonly isSummarized: boolean
  readonly phases: Readonly<Record<Phase, Measures>>
}

/** Number of turns of a summarized session that the model still receives. */
const keptTurns = 20

/** Measures sessions of all sizes in turns. All of them exist for the whole measurement. */
export function measureLongSessions(settings: LongSessionsSettings): Promise<readonly LongSessionsRow[]> {
  return withChildren(async (own) => {
    const path = await mkdtemp(join(tmpdir(), "agent-gateway-bench-"))
    try {
      return await measureIn(path, own, settings)
    } finally {
      await rm(path, { recursive: true, force: true })
    }
  })
}

interface Group {
  readonly events: number
  readonly isSummarized: boolean
  readonly opened: readonly OpenedSession[]
  readonly taken: Record<Phase, LongSession[]>
}

async function measureIn(
  path: string,
  own: Own,
  { events, sessions, rounds }: LongSessionsSettings,
): Promise<readonly LongSessionsRow[]> {
  const upstream = await own(startUpstream())
  const load = await own(startLoad())
  const start = () => startServer((starting) => starting, "gateway", upstream, { path, tool: "asks" })
  const groups: Group[] = []
  const first = await start()
  try {
    const warmUp = await open(load, first.target.url, 1)
    for (const isSummarized of [true, false]) {
      for (const count of events) {
        const turns = count / eventsOfTurn
        const opened = await open(load, first.target.url, sessions)
        const sessionIds = opened.map(({ sessionId }) => sessionId)
        await first.child.ask("seed", { sessionIds, turns, ...(isSummarized && { keptTurns }) })
        groups.push({ events: count, isSummarized, opened, taken: { first: [], warm: [], restarted: [] } })
      }
    }
    for (let round = 0; round < 30; round++) await probe(load, first.target.url, warmUp[0])
    await measureEach(load, first.target.url, groups, "first")
    for (let round = 0; round < rounds; round++) await measureEach(load, first.target.url, groups, "warm")
  } finally {
    await first.child.stop()
  }
  for (let round = 0; round < Math.ceil(rounds / 2); round++) {
    const second = await start()
    try {
      const [warmUp] = await open(load, second.target.url, 1)
      for (let times = 0; times < 30; times++) await probe(load, second.target.url, warmUp)
      await measureEach(load, second.target.url, groups, "restarted")
    } finally {
      await second.child.stop()
    }
  }
  return groups.map(({ events: count, isSummarized, taken }) => ({
    events: count,
    isSummarized,
    phases: {
      first: timesOf(taken.first),
      warm: timesOf(taken.warm),
      restarted: timesOf(taken.restarted),
    },
  }))
}

function open(load: Child, url: string, count: number): Promise<readonly OpenedSession[]> {
  return load.ask("openLongSessions", { url, count })
}

function probe(load: Child, url: string, session: OpenedSession | undefined): Promise<LongSession> {
  return load.ask("longSession", { url, token: session?.token ?? "" })
}

async function measureEach(load: Child, url: string, groups: readonly Group[], phase: Phase): Promise<void> {
  const most = Math.max(...groups.map(({ opened }) => opened.length))
  for (let index = 0; index < most; index++) {
    for (const { opened, taken } of groups) taken[phase].push(await probe(load, url, opened[index]))
  }
}

function timesOf(taken: readonly LongSession[]): Measures {
  const of = (name: keyof LongSession): Times => {
    const values = taken.map((each) => each[name])
    return { least: Math.min(...values), median: median(values) }
  }
  return {
    firstTextMs: of("firstTextMs"),
    approvalToResultMs: of("approvalToResultMs"),
    firstPageMs: of("firstPageMs"),
    wholeHistoryMs: of("wholeHistoryMs"),
  }
}
