import { fork } from "node:child_process"
import type { ServeArguments } from "../arguments.ts"
import type { CliContext, WorkerMessage } from "../cli-context.ts"
import { devWorkerName } from "../commands/dev-worker.ts"

/** Longer than any graceful stop of a worker; only code that never yields reaches it. */
const killAfterMs = 5000

export interface DevWorker {
  /** The exit code; 1 for a worker that a signal ended. */
  readonly exited: Promise<number>
  /** Asks it to stop, and resolves when it is gone. */
  stop(): Promise<void>
}

/** Starts this program again as the process that loads the agent. It ends when this one does, however that ends. */
export function startDevWorker(
  { file, host, port, allowAnyKey, console }: ServeArguments,
  { program, argv, cwd, env }: CliContext,
  onMessage: (message: WorkerMessage) => void,
): DevWorker {
  const verbose = argv.includes("--verbose") ? ["--verbose"] : []
  const anyKey = allowAnyKey ? ["--allow-any-key"] : []
  const consoleChoice = console === undefined ? [] : [console ? "--console" : "--no-console"]
  const serveOptions = ["--host", host, "--port", String(port), ...anyKey, ...consoleChoice]
  const worker = fork(program, [devWorkerName, ...serveOptions, ...verbose, "--", file], { cwd, env })
  worker.on("message", (message) => onMessage(message as WorkerMessage))
  const exited = new Promise<number>((resolve, reject) => {
    worker.on("exit", (code) => resolve(code ?? 1))
    worker.on("error", reject)
  })
  return {
    exited,
    async stop() {
      // A worker that cannot be told is about to exit by itself.
      if (worker.connected) worker.send("stop", () => {})
      const kill = setTimeout(() => worker.kill("SIGKILL"), killAfterMs)
      try {
        await exited
      } finally {
        clearTimeout(kill)
      }
    },
  }
}
