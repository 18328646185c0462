import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { AttackerReport } from "../fixtures/attacker.ts"
import type { ClientReport } from "../fixtures/client.ts"
import { startProgram } from "./child-program.ts"
import { keys, startGateway } from "./gateway.ts"

export interface LoadTestOptions {
  readonly idleMs: number
  readonly attackMs: number
  /** Options of the gateway's Node process. */
  readonly nodeOptions?: readonly string[]
}

export interface LoadTestResult {
  readonly idle: ClientReport
  readonly attacked: ClientReport
  readonly attacker: AttackerReport
  readonly peakMemoryBytes: number
  /** CPU seconds of the gateway during the attack. */
  readonly gatewayCpuSeconds: number
  /** The end of the gateway's log. */
  readonly log: string
}

/** Milliseconds in which the first requests compile the gateway's code before the measurement. */
const warmUpMs = 2_000
const attackerNice = 10

/**
 * Measures one client of a gateway process, first alone and then beside an attacker with another key. The gateway,
 * its model provider, the client and the attacker each have their own process. Rejects if the gateway ends.
 */
export async function runLoadTest(options: LoadTestOptions): Promise<LoadTestResult> {
  const { idleMs, attackMs, nodeOptions = [] } = options
  const ends: (() => Promise<unknown>)[] = []
  try {
    const folder = await mkdtemp(join(tmpdir(), "agent-gateway-hostile-load-"))
    ends.unshift(() => rm(folder, { recursive: true, force: true }))
    const model = startProgram("model.ts")
    ends.unshift(() => model.stop())
    const { url: modelUrl } = await model.ask<{ readonly url: string }>({})
    const gateway = await startGateway({ agent: "agent.ts", folder, modelUrl, nodeOptions })
    ends.unshift(() => gateway.stop())
    const { url } = gateway
    const client = startProgram("client.ts", { settings: { url, apiKey: keys.client } })
    ends.unshift(() => client.stop())
    const attacker = startProgram("attacker.ts", {
      settings: { url, apiKey: keys.attacker },
      nice: attackerNice,
    })
    ends.unshift(() => attacker.stop())

    await attacker.ask({ type: "prepare" })
    await client.ask<ClientReport>({ measureMs: warmUpMs })
    const idle = await client.ask<ClientReport>({ measureMs: idleMs })
    await attacker.ask({ type: "begin" })
    const cpuBefore = await gateway.cpuSeconds()
    const attacked = await client.ask<ClientReport>({ measureMs: attackMs })
    const gatewayCpuSeconds = (await gateway.cpuSeconds()) - cpuBefore
    const report = await attacker.ask<AttackerReport>({ type: "report" })
    if (gateway.exitCode() !== null) throw new Error(`The gateway ended:\n${gateway.log()}`)
    const peakMemoryBytes = await gateway.peakMemoryBytes()
    return { idle, attacked, attacker: report, peakMemoryBytes, gatewayCpuSeconds, log: gateway.log() }
  } finally {
    for (const end of ends) await end()
  }
}
