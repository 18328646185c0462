import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { onTestFinished } from "vitest"
import { systemClock } from "../../../src/core/clock.ts"
import type { EventEntry } from "../../../src/core/entries.ts"
import { maxDirectoryPage } from "../../../src/core/ports/directory.ts"
import { createLogger } from "../../../src/telemetry/logger.ts"
import { freePort } from "../../../src/testing/fixtures/free-port.ts"
import { startScriptedUpstream } from "../../../src/testing/scripted-upstream.ts"
import type { CrashPoint } from "./crash-points.ts"
import { type Effect, effectsIn } from "./effects.ts"
import { type GatewayOptions, type GatewayProcess, startGateway } from "./gateway-process.ts"
import { prompt, type Script, scriptedModel } from "./model.ts"
import { entriesOf } from "./observe.ts"
import { SessionClient } from "./session-client.ts"
import { openTestStore } from "./test-store.ts"

/** A gateway that a test kills and starts as it likes, one session with it, and what comes of that. */
export interface Serving {
  readonly client: SessionClient
  /** The client's message that makes the model play the script. */
  readonly message: string
  readonly store: string
  /** Bodies of the model's calls. */
  readonly modelCalls: () => readonly unknown[]
  start(): GatewayProcess
  /** Kills the process: no code of it runs after this. */
  kill(): Promise<void>
  /** Resolves when the process has died by itself, of SIGKILL. */
  died(): Promise<void>
  effects(): Promise<readonly Effect[]>
  events(): Promise<readonly EventEntry[]>
  /** Each session of the tree with its events, the root first. */
  tree(): Promise<readonly SessionEvents[]>
}

export interface SessionEvents {
  readonly sessionId: string
  readonly depth: number
  readonly events: readonly EventEntry[]
}

const timeLimitMs = 60_000

export type ServingOptions = Pick<GatewayOptions, "approvalSeconds"> & {
  /** The point at which the first process kills itself. */
  readonly crashAt?: CrashPoint
}

export async function serving(
  script: Script | Readonly<Record<string, Script>>,
  { crashAt, ...options }: ServingOptions = {},
): Promise<Serving> {
  const folder = await mkdtemp(join(tmpdir(), "agent-gateway-crash-"))
  const upstream = await startScriptedUpstream(
    scriptedModel(typeof script === "function" ? { script } : script),
  )
  const port = await freePort()
  const store = join(folder, "data")
  const signal = AbortSignal.timeout(timeLimitMs)
  const client = new SessionClient(`http://127.0.0.1:${port}`, { tag: "session", signal })
  const lasting = { ...options, folder, store, port, upstream: upstream.url }
  let gateway = startGateway(
    crashAt === undefined ? lasting : { ...lasting, crashAt: { point: crashAt, times: 1 } },
  )
  const kill = async () => {
    gateway.kill()
    await gateway.exited
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
      gateway = startGateway(lasting)
      return gateway
    },
    kill,
    async died() {
      const { killed, log } = await gateway.exited
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
