import { fork } from "node:child_process"
import type { CliContext, SupervisorMessage, WorkerMessage } from "../../cli-context.ts"
import { exitCodes, findExitSignal } from "../../exit-codes.ts"
import { devWorkerName } from "./dev-worker.ts"
import type { ServeArguments } from "./serve-arguments.ts"

/** Milliseconds after which a worker is killed. A graceful stop takes less, unless code blocks the event loop. */
const killAfterMs = 5000

export interface DevWorkerExit {
  readonly code: number
  /** The signal that ended the worker. Null if it ended by itself. */
  readonly signal: NodeJS.Signals | null
}

export interface DevWorker {
  /** Resolves when the agent's files are loaded. */
  readonly loaded: Promise<"loaded">
  readonly exited: Promise<DevWorkerExit>
  /** Lets the worker serve, which it does not start by itself. */
  serve(): void
  /** Asks the worker to stop, and resolves when it is gone. */
  stop(): Promise<void>
}

/**
 * Starts this program again as the process that loads the agent. That process ends with this one, however this one
 * ends.
 */
export function startDevWorker(
  { file, host, port, allowAnyKey, console }: ServeArguments,
  { program, argv, cwd, env }: CliContext,
  onMessage: (message: Exclude<WorkerMessage, { readonly type: "loaded" }>) => void,
): DevWorker {
  const verbose = argv.includes("--verbose") ? ["--verbose"] : []
  const anyKey = allowAnyKey ? ["--allow-any-key"] : []
  const consoleChoice = console === undefined ? [] : [console ? "--console" : "--no-console"]
  const serveOptions = ["--host", host, "--port", String(port), ...anyKey, ...consoleChoice]
  const worker = fork(program, [devWorkerName, ...serveOptions, ...verbose, "--", file], { cwd, env })
  const loaded = Promise.withResolvers<"loaded">()
  worker.on("message", (message: WorkerMessage) => {
    if (message.type === "loaded") loaded.resolve("loaded")
    else onMessage(message)
  })
  const exited = new Promise<DevWorkerExit>((resolve, reject) => {
    worker.on("exit", (code, signal) => {
      resolve({ code: code ?? exitCodes.failure, signal: signal ?? findExitSignal(code ?? 0) })
    })
    worker.on("error", reject)
  })
  // A worker that cannot be reached is about to exit by itself.
  const tell = (message: SupervisorMessage) => worker.connected && worker.send(message, () => {})
  return {
    loaded: loaded.promise,
    exited,
    serve: () => void tell("serve"),
    async stop() {
      tell("stop")
      const kill = setTimeout(() => worker.kill("SIGKILL"), killAfterMs)
      try {
        await exited
      } finally {
        clearTimeout(kill)
      }
    },
  }
}
