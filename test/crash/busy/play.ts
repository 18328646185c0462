import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { systemClock } from "../../../src/core/time/clock.ts"
import { createLogger } from "../../../src/platform/logging/logger.ts"
import { findFreePort } from "../../../src/testing/fixtures/free-port.ts"
import { anthropicEvents } from "../../../src/testing/provider/anthropic-wire.ts"
import { startScriptedUpstream, type UpstreamReply } from "../../../src/testing/provider/scripted-upstream.ts"
import { type GatewayProcess, startGateway } from "../support/gateway-process.ts"
import { blocksOf, says } from "../support/model.ts"
import { entriesOf } from "../support/observe.ts"
import { createRandom, type Random } from "../support/random.ts"
import { openTestStore } from "../support/test-store.ts"
import { busyViolations } from "./check.ts"
import { BusyClient } from "./client.ts"

export interface BusyPlan {
  readonly seed: string
  readonly sessions: number
  /** Number of messages in each session. */
  readonly messages: number
  /** Number of gateway processes that share the store. More than one requires Postgres. */
  readonly nodes: number
  readonly kills: number
  /** A `postgres://` URL. Default: a new data directory. */
  readonly store?: string
}

export interface BusyReport {
  readonly violations: readonly string[]
  readonly accepted: number
  readonly refused: number
}

/** Milliseconds after which an accepted message counts as lost if its run has not ended. */
const timeLimitMs = 400_000

/** Sends messages in every mode to busy sessions, half of which wait for approvals, while processes are killed. */
export async function playBusy(plan: BusyPlan): Promise<BusyReport> {
  const folder = await mkdtemp(join(tmpdir(), "agent-gateway-busy-"))
  const upstream = await startScriptedUpstream(({ body }) => replyTo(body))
  const random = createRandom(plan.seed)
  const store = plan.store ?? join(folder, "data")
  const ports = await Promise.all(Array.from({ length: plan.nodes }, () => findFreePort()))
  const nodes = ports.map((port) => startGateway({ folder, port, store, upstream: upstream.url }))
  try {
    const urls = ports.map((port) => `http://127.0.0.1:${port}`)
    const signal = AbortSignal.timeout(timeLimitMs)
    const clients = Array.from({ length: plan.sessions }, (_, index) => {
      const tag = `${plan.seed}-${index}`
      return new BusyClient({ urls, tag, random: createRandom(tag), signal })
    })
    const sending = clients.map(async (client, index) => {
      await client.open()
      await client.send(plan.messages, { asking: index % 2 === 0 })
    })
    const restart = (index: number) => {
      nodes[index] = startGateway({ folder, port: ports[index] ?? 0, store, upstream: upstream.url })
    }
    await Promise.all([...sending, killSome(nodes, { kills: plan.kills, random, restart })])
    await Promise.all(clients.map((client) => client.finish()))
    const { log, close } = await openTestStore(store, {
      clock: systemClock,
      logger: createLogger({ level: "error" }),
    })
    const violations: string[] = []
    for (const client of clients) violations.push(...busyViolations(client, await entriesOf(log, client.id)))
    await close()
    const sent = clients.flatMap((client) => client.sent)
    const accepted = sent.filter(({ runId }) => runId !== null).length
    return { violations, accepted, refused: sent.length - accepted }
  } finally {
    for (const node of nodes) node.kill()
    await Promise.all(nodes.map(({ exited }) => exited))
    await upstream.close()
    await rm(folder, { recursive: true })
  }
}

/** Kills one process after another, and restarts each of them. */
async function killSome(
  nodes: readonly GatewayProcess[],
  {
    kills,
    random,
    restart,
  }: { readonly kills: number; readonly random: Random; readonly restart: (index: number) => void },
): Promise<void> {
  for (let kill = 0; kill < kills; kill++) {
    const index = kill % nodes.length
    await nodes[index]?.ready
    await delay(random.whole(50, 1_500))
    nodes[index]?.kill()
    await nodes[index]?.exited
    restart(index)
  }
}

/**
 * Requests a call that needs an approval if the user's last message says so, and otherwise responds in a few words.
 */
function replyTo(body: unknown): UpstreamReply {
  const blocks = blocksOf(body)
  const text = String(blocks.at(-1)?.block.text ?? "")
  if (!text.startsWith("Pay")) return says(4, 5)
  const id = `toolu_${blocks.length}_${text.replaceAll(/\W/g, "_")}`.slice(0, 60)
  return { steps: anthropicEvents([{ type: "toolCall", id, name: "pay", input: { amount: 1 } }]), delayMs: 1 }
}
