import { fork } from "node:child_process"
import type { ServeArguments } from "../arguments.ts"
import type { CliContext, SupervisorMessage, WorkerMessage } from "../cli-context.ts"
import { devWorkerName } from "../commands/dev-worker.ts"

/** Longer than any graceful stop of a worker; only code that never yields reaches it. */
const killAfterMs = 5000

export interface DevWorker {
  /** Resolves when the agent's files are loaded. */
  readonly loaded: Promise<"loaded">
  /** The exit code; 1 for a worker that a signal ended. */
  readonly exited: Promise<number>
  /** Lets it serve, which it does not do by itself. */
  serve(): void
  /** Asks it to stop, and resolves when it is gone. */
  stop(): Promise<void>
}

/** Starts this program again as the process that loads the agent. It ends when this one does, however that ends. */
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
  const exited = new Promise<number>((resolve, reject) => {
    worker.on("exit", (code) => resolve(code ?? 1))
    worker.on("error", reject)
  })
  // A worker that cannot be told is about to exit by itself.
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
