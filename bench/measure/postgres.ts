import { setTimeout as delay } from "node:timers/promises"
import { type StartedPostgres, startEmbeddedPostgres } from "../../src/testing/fixtures/embedded-postgres.ts"
import type { Child } from "../child.ts"
import type { StreamsRequest } from "../load/load.ts"
import type { StatementCount } from "../servers/statement-count.ts"
import { median } from "../statistics.ts"
import { readCpuSeconds, readPostmasterId } from "./postgres-usage.ts"
import { type Server, startLoad, startServer, startUpstream, withChildren } from "./processes.ts"
import { paces } from "./throughput.ts"

export interface PostgresSettings {
  /** Number of sessions in the full store. The process stores them with one run each, which is its warm-up. */
  readonly storedSessions: number
  readonly repeats: number
  /** Number of runs in a round, each in a session of its own. */
  readonly runs: number
  readonly atOnce: number
}

/** Usage of one run: the medians of all rounds. */
export interface PostgresUsage {
  readonly gatewayMs: number
  readonly postgresMs: number
  readonly statements: number
  readonly commits: number
  readonly walBytes: number
}

export interface PostgresRow extends PostgresUsage {
  readonly storedSessions: number
  readonly callsTool: boolean
}

/** Number of runs after which every connection has planned its statements again, once the tables are empty. */
const plannedRuns = 200
/** Milliseconds in which the gateway releases its sessions after the end of their streams. */
const restMs = 500

/** Returns false on systems on which the CPU time of Postgres cannot be read. */
export function canMeasurePostgres(): boolean {
  return process.platform === "linux"
}

/** Measures a gateway on a Postgres server of its own, which waits for its disk. */
export async function measurePostgres(settings: PostgresSettings): Promise<readonly PostgresRow[]> {
  const postgres = await startEmbeddedPostgres({ waitsForDisk: true })
  try {
    return await withChildren(async (own) => {
      const upstream = await own(startUpstream())
      const load = await own(startLoad())
      const path = postgres.urlOf("postgres")
      const gateway = await startServer(own, "gateway", upstream, { path, tool: "runs" })
      return await measureGateway({ postgres, gateway, load }, settings)
    })
  } finally {
    await postgres.server.stop()
  }
}

interface Measured {
  readonly postgres: StartedPostgres
  readonly gateway: Server
  readonly load: Child
}

async function measureGateway(
  measured: Measured,
  settings: PostgresSettings,
): Promise<readonly PostgresRow[]> {
  const { postgres } = measured
  const { storedSessions } = settings
  const operator = postgres.server.getPgClient()
  await operator.connect()
  const ask: Ask = async (sql) => (await operator.query(sql)).rows
  try {
    await runNew(measured, { ...settings, runs: storedSessions, callsTool: false })
    await ask("VACUUM ANALYZE")
    const full = await measureRounds(measured, settings, { ask, storedSessions })
    const empty = await measureRounds(measured, settings, { ask, storedSessions: 0 })
    return [...empty, ...full]
  } finally {
    await operator.end()
  }
}

type Ask = (sql: string) => Promise<readonly Record<string, string>[]>

/** Alternates between runs without and with a tool call. */
async function measureRounds(
  measured: Measured,
  { repeats, runs, atOnce }: PostgresSettings,
  { ask, storedSessions }: { readonly ask: Ask; readonly storedSessions: number },
): Promise<readonly PostgresRow[]> {
  const rows = [false, true].map((callsTool) => ({ callsTool, taken: [] as PostgresUsage[] }))
  for (let repeat = 0; repeat < repeats; repeat++) {
    for (const { callsTool, taken } of rows) {
      if (storedSessions === 0) {
        await removeSessions(ask)
        await runNew(measured, { runs: plannedRuns, atOnce, callsTool })
      }
      taken.push(await measureRound(measured, ask, { runs, atOnce, callsTool }))
    }
  }
  return rows.map(({ callsTool, taken }) => {
    const of = (figure: keyof PostgresUsage) => median(taken.map((usage) => usage[figure]))
    return {
      storedSessions,
      callsTool,
      gatewayMs: of("gatewayMs"),
      postgresMs: of("postgresMs"),
      statements: of("statements"),
      commits: of("commits"),
      walBytes: of("walBytes"),
    }
  })
}

/** Empties the tables of sessions. The gateway keeps its connections, its signing key and its compiled code. */
async function removeSessions(ask: Ask): Promise<void> {
  const tables = await ask(
    `SELECT DISTINCT table_name AS name FROM information_schema.columns
     WHERE table_schema = 'agent_gateway' AND (column_name = 'session_id' OR table_name = 'session')`,
  )
  await ask(`TRUNCATE ${tables.map(({ name }) => `agent_gateway.${name}`).join(", ")}`)
}

interface Round {
  readonly runs: number
  readonly atOnce: number
  readonly callsTool: boolean
}

async function measureRound(measured: Measured, ask: Ask, round: Round): Promise<PostgresUsage> {
  await openSessions(measured, round)
  const before = await readTotals(measured, ask)
  await runAll(measured, round)
  const after = await readTotals(measured, ask)
  const ofOne = (figure: keyof Totals) => (after[figure] - before[figure]) / round.runs
  return {
    gatewayMs: ofOne("gatewaySeconds") * 1_000,
    postgresMs: ofOne("postgresSeconds") * 1_000,
    statements: ofOne("statements"),
    commits: ofOne("commits"),
    walBytes: ofOne("walBytes"),
  }
}

interface Totals extends StatementCount {
  readonly gatewaySeconds: number
  readonly postgresSeconds: number
  readonly walBytes: number
}

async function readTotals({ postgres, gateway }: Measured, ask: Ask): Promise<Totals> {
  await delay(restMs)
  const [row] = await ask("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') AS bytes")
  return {
    ...(await gateway.child.ask<StatementCount>("statements")),
    gatewaySeconds: await gateway.child.ask<number>("cpuSeconds"),
    postgresSeconds: readCpuSeconds(readPostmasterId(postgres.databaseDir)),
    walBytes: Number(row?.bytes),
  }
}

async function runNew(measured: Measured, round: Round): Promise<void> {
  await openSessions(measured, round)
  await runAll(measured, round)
}

async function openSessions({ gateway, load }: Measured, { runs }: Round): Promise<void> {
  await load.ask("prepare", { target: gateway.target, streams: runs })
}

async function runAll({ gateway, load }: Measured, { runs, atOnce, callsTool }: Round): Promise<void> {
  const script = { ...paces.oneToken, callsTool }
  const request: StreamsRequest = { target: gateway.target, script, streams: runs, atOnce }
  await load.ask("streams", request)
}
