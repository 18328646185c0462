import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { startPostgres } from "../../end-to-end/support/postgres.ts"
import type { ClientReport } from "../fixtures/client.ts"
import type { LoopReport } from "../fixtures/loop-monitor.ts"
import type { WorstAttackReport } from "../fixtures/worst-attacker.ts"
import { startProgram } from "./child-program.ts"
import { keys, startGateway } from "./gateway.ts"

export interface WorstRequestsOptions {
  readonly idleMs: number
  /** Milliseconds of the attack with each kind of requests. */
  readonly attackMs: number
  /** Chooses the kinds of requests by their names. */
  readonly isChosen: (name: string) => boolean
  /** If true, the gateway stores its sessions on a Postgres server. Default: SQLite. */
  readonly usesPostgres?: boolean
  /** Options of the gateway's Node process. */
  readonly nodeOptions?: readonly string[]
}

export interface WorstRequestsResult {
  readonly idle: Phase
  readonly attacks: readonly (Phase & WorstAttackReport & { readonly name: string })[]
  readonly peakMemoryBytes: number
  readonly log: string
}

export interface Phase {
  readonly client: ClientReport
  readonly loop: LoopReport
}

/** Milliseconds in which the first requests compile the gateway's code before the measurement. */
const warmUpMs = 2_000
const attackerNice = 10

/**
 * Measures the event loop of a gateway's process and one client of it, first alone and then beside each kind of worst
 * requests. Rejects if the gateway ends.
 */
export async function runWorstRequests(options: WorstRequestsOptions): Promise<WorstRequestsResult> {
  const { idleMs, attackMs, isChosen, usesPostgres = false, nodeOptions = [] } = options
  const ends: (() => Promise<unknown>)[] = []
  try {
    const folder = await mkdtemp(join(tmpdir(), "agent-gateway-worst-requests-"))
    ends.unshift(() => rm(folder, { recursive: true, force: true }))
    const model = startProgram("model.ts")
    ends.unshift(() => model.stop())
    const { url: modelUrl } = await model.ask<{ readonly url: string }>({})
    const postgres = usesPostgres ? await startPostgres((end) => ends.unshift(async () => end())) : null
    const store = await postgres?.createDatabase("worst_requests")
    const gateway = await startGateway({ agent: "worst-agent.ts", folder, modelUrl, store, nodeOptions })
    ends.unshift(() => gateway.stop())
    const { url } = gateway
    const client = startProgram("client.ts", { settings: { url, apiKey: keys.client } })
    ends.unshift(() => client.stop())
    const attacker = startProgram("worst-attacker.ts", {
      settings: { url, apiKey: keys.attacker },
      nice: attackerNice,
    })
    ends.unshift(() => attacker.stop())

    const names = await attacker.ask<readonly string[]>({ type: "prepare" })
    const measure = async <Report>(measureMs: number, work: () => Promise<Report>) => {
      await gateway.loop()
      // Large requests may be handled long after the client has ended its measurement.
      const [report, done] = await Promise.all([client.ask<ClientReport>({ measureMs }), work()])
      return { ...done, client: report, loop: await gateway.loop() }
    }
    const nothing = async () => ({})
    await measure(warmUpMs, nothing)
    const idle = await measure(idleMs, nothing)
    const attacks: (Phase & WorstAttackReport & { readonly name: string })[] = []
    for (const [index, name] of names.entries()) {
      if (!isChosen(name)) continue
      const attack = () => attacker.ask<WorstAttackReport>({ attack: index, ms: attackMs })
      attacks.push({ name, ...(await measure(attackMs, attack)) })
      if (gateway.exitCode() !== null) throw new Error(`The gateway ended:\n${gateway.log()}`)
    }
    const peakMemoryBytes = await gateway.peakMemoryBytes()
    return { idle, attacks, peakMemoryBytes, log: gateway.log() }
  } finally {
    for (const end of ends) await end()
  }
}
