import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { onTestFinished } from "vitest"
import type { EventEntry } from "../../../src/core/log/entries.ts"
import { maxDirectoryPage } from "../../../src/core/ports/store/directory.ts"
import { systemClock } from "../../../src/core/time/clock.ts"
import { createLogger } from "../../../src/platform/logging/logger.ts"
import { findFreePort } from "../../../src/testing/fixtures/free-port.ts"
import { startScriptedUpstream } from "../../../src/testing/provider/scripted-upstream.ts"
import type { CrashPoint } from "./crash-points.ts"
import { type Effect, effectsIn } from "./effects.ts"
import { type GatewayOptions, type GatewayProcess, startGateway } from "./gateway-process.ts"
import { prompt, type Script, scriptedModel } from "./model.ts"
import { entriesOf } from "./observe.ts"
import { SessionClient } from "./session-client.ts"
import { openTestStore } from "./test-store.ts"

/** Gateway processes that a test kills and restarts, with one session at the first of them. */
export interface Serving {
  readonly client: SessionClient
  /** Message that makes the model play the script. */
  readonly message: string
  readonly store: string
  /** Returns the request bodies of the model calls. */
  readonly modelCalls: () => readonly unknown[]
  /** Starts all processes. Returns the one that the client uses. */
  start(): GatewayProcess
  /** Kills all processes with SIGKILL, so that none of their code runs after that. */
  kill(): Promise<void>
  /** Kills one process and restarts it. Numbers after the last process continue with the first one. */
  restart(number: number): Promise<void>
  /** Resolves when the process has died of its own SIGKILL. */
  died(): Promise<void>
  effects(): Promise<readonly Effect[]>
  events(): Promise<readonly EventEntry[]>
  /** Resolves to the sessions of the tree with their events, the root first. */
  tree(): Promise<readonly SessionEvents[]>
}

export interface SessionEvents {
  readonly sessionId: string
  readonly depth: number
  readonly events: readonly EventEntry[]
}

const timeLimitMs = 240_000

export type ServingOptions = Pick<GatewayOptions, "approvalSeconds" | "maxConcurrentRuns"> & {
  /** A `postgres://` URL. Default: a new data directory. */
  readonly store?: string
  /**
   * Number of processes that share the store. The client uses the first one. More than one requires Postgres. Default
   * 1.
   */
  readonly nodes?: number
  /** The crash point at which the first process kills itself. */
  readonly crashAt?: CrashPoint
}

export async function serving(
  script: Script | Readonly<Record<string, Script>>,
  { crashAt, nodes = 1, store: given, ...options }: ServingOptions = {},
): Promise<Serving> {
  const folder = await mkdtemp(join(tmpdir(), "agent-gateway-crash-"))
  const upstream = await startScriptedUpstream(
    scriptedModel(typeof script === "function" ? { script } : script),
  )
  const ports = await Promise.all(Array.from({ length: nodes }, () => findFreePort()))
  const store = given ?? join(folder, "data")
  const signal = AbortSignal.timeout(timeLimitMs)
  const client = new SessionClient(`http://127.0.0.1:${ports[0]}`, { tag: "session", signal })
  const lasting = { ...options, folder, store, upstream: upstream.url }
  const startAll = (crash: Pick<GatewayOptions, "crashAt"> = {}) =>
    ports.map((port, index) => startGateway({ ...lasting, port, ...(index === 0 && crash) }))
  let gateways = startAll(crashAt && { crashAt: { point: crashAt, times: 1 } })
  const first = () => {
    const [gateway] = gateways
    if (gateway === undefined) throw new Error("There is no process.")
    return gateway
  }
  const kill = async () => {
    for (const gateway of gateways) gateway.kill()
    await Promise.all(gateways.map(({ exited }) => exited))
  }
  onTestFinished(async () => {
    await kill()
    await upstream.close()
    await rm(folder, { recursive: true, force: true })
  })
  await client.open()
  return {
    client,
    store,
    message: prompt("script", client.tag),
    modelCalls: () => upstream.requests.map(({ body }) => body),
    start() {
      gateways = startAll()
      return first()
    },
    kill,
    async restart(number) {
      const index = number % nodes
      gateways[index]?.kill()
      await gateways[index]?.exited
      gateways[index] = startGateway({ ...lasting, port: ports[index] ?? 0 })
    },
    async died() {
      const { killed, log } = await first().exited
      if (!killed) throw new Error(`The gateway ended otherwise: ${log}`)
    },
    effects: () => effectsIn(folder),
    async events() {
      const [root] = await treeIn(store, client.id)
      return root?.events ?? []
    },
    tree: () => treeIn(store, client.id),
  }
}

async function treeIn(store: string, rootId: string): Promise<readonly SessionEvents[]> {
  const logger = createLogger({ level: "error" })
  const { log, directory, close } = await openTestStore(store, { clock: systemClock, logger })
  try {
    const { items } = await directory.sessions({ rootId, limit: maxDirectoryPage })
    const sessions = await Promise.all(
      items.map(async ({ id }) => {
        const entries = await entriesOf(log, id)
        const depth = (await log.session(id))?.depth ?? 0
        return { sessionId: id, depth, events: entries.filter((entry) => entry.kind === "event") }
      }),
    )
    return sessions.sort((left, right) => left.depth - right.depth)
  } finally {
    await close()
  }
}
