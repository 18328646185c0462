import { toError } from "../core/errors.ts"
import type { ProcessContext, SupervisorMessage, WorkerMessage } from "./cli-context.ts"
import { devWorkerName } from "./commands/serve/dev-worker.ts"
import { exitCodes, type StopReason, toSignalExitCode } from "./exit-codes.ts"
import { loadEnvFileFor } from "./load-env-file.ts"
import { runCli } from "./run-cli.ts"

/** Maximum milliseconds that a worker without a supervisor may take to stop. */
const orphanMs = 5000
/** Maximum milliseconds that a command may take to stop if its output cannot be written. */
const lostOutputMs = 5000

/** Runs the command line of this process, and ends the process with its exit code. */
export function main(): void {
  const argv = process.argv.slice(2)
  const isWorker = argv[0] === devWorkerName && process.send !== undefined
  const stopping = new AbortController()
  const mayServe = isWorker ? followSupervisor(stopping) : null
  if (!isWorker) stopBySignals(stopping)

  const outputs = watchOutputs(stopping)
  try {
    loadEnvFileFor(argv[0], process.cwd())
  } catch (error) {
    process.stderr.write(`agent-gateway: the file .env cannot be read: ${toError(error).message}\n`)
    process.exitCode = exitCodes.failure
    return
  }

  // Only a command that has ended reaches `process.exit` below. Node alone would exit with success.
  process.on("beforeExit", () => {
    process.stderr.write(
      "agent-gateway: the agent file never finishes loading, for example because of an await " +
        "that never settles.\n",
    )
    process.exitCode = exitCodes.failure
  })

  const context: ProcessContext = {
    argv,
    env: process.env,
    cwd: process.cwd(),
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    signal: stopping.signal,
    program: process.argv[1] ?? "",
    ...(mayServe !== null && { report, mayServe }),
  }
  void runCli(context).then((exitCode) => {
    // The agent's own timers and sockets must not keep a finished command alive.
    process.stdout.write("", () => process.exit(outputs.failure() ?? exitCode))
  })
}

/**
 * Stops the command if its output cannot be written. A run is then canceled, and does not continue unseen. If the
 * reader closed the pipe, as in `agent-gateway run … | head`, no message is printed.
 */
function watchOutputs(stopping: AbortController): { failure(): number | null } {
  let failure: number | null = null
  const fail = (exitCode: number) => {
    if (failure !== null) return
    failure = exitCode
    stopping.abort("SIGPIPE" satisfies StopReason)
    setTimeout(() => process.exit(exitCode), lostOutputMs).unref()
  }
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") return fail(toSignalExitCode("SIGPIPE"))
    if (failure === null)
      process.stderr.write(`agent-gateway: standard output cannot be written: ${error.message}\n`)
    fail(exitCodes.failure)
  })
  // There is no output left for a message.
  process.stderr.on("error", () => fail(toSignalExitCode("SIGPIPE")))
  return { failure: () => failure }
}

/** Lets the first signal request a graceful end, and the second one end at once. */
function stopBySignals(stopping: AbortController): void {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      if (stopping.signal.aborted) process.exit(toSignalExitCode(signal))
      stopping.abort(signal)
    })
  }
}

/**
 * Makes a worker stop when its supervisor requests it or is gone, and at once if the supervisor ends while the worker
 * is stopping. A signal counts as a request, because Ctrl+C reaches both the supervisor and the worker. Returns a
 * promise that resolves when the supervisor lets the worker serve.
 */
function followSupervisor(stopping: AbortController): Promise<void> {
  const mayServe = Promise.withResolvers<void>()
  process.on("disconnect", () => {
    if (stopping.signal.aborted) process.exit(toSignalExitCode("SIGTERM"))
    stopping.abort("SIGTERM")
    // No supervisor is left to kill it if it hangs.
    setTimeout(() => process.exit(toSignalExitCode("SIGTERM")), orphanMs).unref()
  })
  process.on("message", (message: SupervisorMessage) => {
    if (message === "serve") mayServe.resolve()
    else stopping.abort("supervisor" satisfies StopReason)
  })
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => stopping.abort(signal))
  return mayServe.promise
}

function report(message: WorkerMessage): void {
  // The supervisor may already be gone, which `disconnect` reports.
  if (process.connected) process.send?.(message)
}
