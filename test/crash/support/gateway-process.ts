import { spawn } from "node:child_process"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { bundleProgram } from "../../bundle-program.ts"
import type { CrashPoint } from "./crash-points.ts"

const program = await bundleProgram(new URL("../fixtures/gateway.ts", import.meta.url))

export interface GatewayOptions {
  /** Folder in which the tools have their effects. */
  readonly folder: string
  /** A data directory or a `postgres://` URL. */
  readonly store: string
  readonly upstream: string
  readonly port: number
  /** The crash point at which the process kills itself, and the count of its occurrence. */
  readonly crashAt?: { readonly point: CrashPoint; readonly times: number }
  readonly approvalSeconds?: number
  readonly maxConcurrentRuns?: number
}

export interface GatewayProcess {
  readonly startedAt: number
  /** Resolves to the time of the first status 200 of GET /ready. Resolves to null if the process ends before that. */
  readonly ready: Promise<number | null>
  /** Resolves when the process has ended. */
  readonly exited: Promise<Exit>
  readonly hasExited: boolean
  kill(): void
}

export interface Exit {
  readonly at: number
  /** If true, the process ended because of SIGKILL. */
  readonly killed: boolean
  /** Standard error of the process. */
  readonly log: string
}

/** Starts the gateway of the fixture. Times are in milliseconds since the Unix epoch. */
export function startGateway(options: GatewayOptions): GatewayProcess {
  const { folder, store, upstream, port, crashAt, approvalSeconds, maxConcurrentRuns } = options
  const startedAt = Date.now()
  const child = spawn(process.execPath, [program], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      PATH: process.env.PATH,
      NODE_COMPILE_CACHE: join(tmpdir(), "agent-gateway-crash-cache"),
      FOLDER: folder,
      STORE: store,
      UPSTREAM: upstream,
      PORT: String(port),
      ...(crashAt === undefined ? {} : { CRASH_AT: `${crashAt.point}#${crashAt.times}` }),
      ...(approvalSeconds === undefined ? {} : { APPROVAL_SECONDS: String(approvalSeconds) }),
      ...(maxConcurrentRuns === undefined ? {} : { MAX_RUNS: String(maxConcurrentRuns) }),
    },
  })
  let log = ""
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    log += text
  })
  const exited = new Promise<Exit>((resolve) => {
    child.on("close", (_code, signal) => resolve({ at: Date.now(), killed: signal === "SIGKILL", log }))
  })
  const listening = new Promise<void>((resolve) => child.stdout.once("data", () => resolve()))
  return {
    startedAt,
    exited,
    get hasExited() {
      return child.exitCode !== null || child.signalCode !== null
    },
    ready: Promise.race([
      listening.then(() => firstReady(`http://127.0.0.1:${port}/api/ready`, exited)),
      exited.then(() => null),
    ]),
    kill: () => child.kill("SIGKILL"),
  }
}

async function firstReady(url: string, exited: Promise<Exit>): Promise<number | null> {
  let gone = false
  void exited.then(() => {
    gone = true
  })
  while (!gone) {
    // If the connection is refused, the process has ended or is about to end.
    const response = await fetch(url).catch(() => null)
    await response?.body?.cancel()
    if (response?.status === 200) return Date.now()
    await delay(5)
  }
  return null
}
