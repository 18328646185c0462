import { sleep } from "../../../core/time/sleep.ts"
import { findAgentFile } from "../../agent-file/load-agent.ts"
import type { CliContext, WorkerMessage } from "../../cli-context.ts"
import { exitCodes } from "../../exit-codes.ts"
import { keysHelp, openInBrowser, readKeys } from "./dev-keys.ts"
import { FileWatcher } from "./file-watcher.ts"
import { parseServeArguments } from "./serve-arguments.ts"
import { type DevWorker, startDevWorker } from "./start-dev-worker.ts"

/** Milliseconds before an agent that a signal ended starts again, so that repeated kills do not occupy the machine. */
const restartPauseMs = 1_000

/**
 * `dev FILE` serves the agent in a separate process, and replaces this process when a file changes. The old process
 * continues until the new one has loaded the files, so a mistake in them interrupts nothing.
 *
 * Node's own `--watch` is not used, because Node's watcher would run forever if this process were killed by SIGKILL.
 */
export async function runDevCommand(context: CliContext): Promise<number> {
  const serveArguments = parseServeArguments("dev", context.argv, context.env)
  const { stdout, stderr } = context
  const quitting = new AbortController()
  const signal = AbortSignal.any([context.signal, quitting.signal])
  const watcher = new FileWatcher((problem) =>
    stderr.write(
      `agent-gateway: the agent will not be reloaded, because a folder cannot be watched: ${problem.message}\n`,
    ),
  )
  watcher.add(await findAgentFile(serveArguments.file, context.cwd))

  let port = serveArguments.port
  let started = false
  let consoleUrl: string | null = null
  const onMessage = (message: Exclude<WorkerMessage, { readonly type: "loaded" }>): void => {
    if (message.type === "file") {
      watcher.add(message.path)
      return
    }
    stdout.write(started ? `Reloaded: ${message.url}\n` : formatGreeting(message))
    if (!started && stopKeys !== null) stdout.write(`${keysHelp}\n\n`)
    started = true
    consoleUrl = message.consoleUrl
    // Port 0 means any port, but the same one for every reload.
    port = message.port
  }
  const stopKeys = await readKeys(context, {
    restart: () => watcher.noteChange(),
    open: () => {
      if (consoleUrl === null)
        stdout.write("There is no console: it is off, or the agent is not loaded yet.\n")
      else openInBrowser(consoleUrl, context)
    },
    quit: () => quitting.abort(),
  })
  const wait = `Waiting for a change of its files${stopKeys === null ? "" : ", or for r and Enter"}.`
  const stopped = new Promise<"stopped">((resolve) => {
    signal.addEventListener("abort", () => resolve("stopped"), { once: true })
  })

  /** The worker that serves. Null before the first one, and after one that stopped by itself. */
  let serving: DevWorker | null = null
  try {
    while (!signal.aborted) {
      const changed = watcher.nextChange().then(() => "changed" as const)
      const next = startDevWorker({ ...serveArguments, port }, context, onMessage)
      const loading = await Promise.race([next.loaded, next.exited, changed, stopped])
      if (loading === "loaded") {
        await serving?.stop()
        serving = next
        next.serve()
      } else if (typeof loading === "object" && !signal.aborted) {
        if (loading.code === exitCodes.usage) return loading.code
        const reason = loading.signal === null ? "" : ` because ${loading.signal} ended its process`
        const meanwhile = serving === null ? "" : " The previous version still serves."
        stderr.write(`agent-gateway: the agent was not loaded${reason}.${meanwhile} ${wait}\n`)
      } else {
        await next.stop()
        continue
      }
      const end = await Promise.race([changed, stopped, ...(serving === null ? [] : [serving.exited])])
      if (typeof end === "string" || signal.aborted) continue
      if (end.code === exitCodes.cannotListen || end.code === exitCodes.usage) return end.code
      serving = null
      if (end.signal === null) {
        stderr.write(`agent-gateway: the agent stopped with exit code ${end.code}. ${wait}\n`)
        await Promise.race([changed, stopped])
      } else {
        stderr.write(`agent-gateway: ${end.signal} ended the agent's process. Starting it again.\n`)
        await Promise.race([changed, sleep(restartPauseMs, signal)])
      }
    }
    return exitCodes.success
  } finally {
    stopKeys?.()
    await serving?.stop()
    watcher.close()
  }
}

function formatGreeting({
  url,
  apiUrl,
  consoleUrl,
  wires,
}: Extract<WorkerMessage, { type: "listening" }>): string {
  const json = "-H 'content-type: application/json'"
  const inBrowser = consoleUrl === null ? "" : `Talk to the agent in a browser: ${consoleUrl}\n\n`
  const clients = wires.map(({ name, path }) => `- ${name}: ${url}${path}\n`).join("")
  const byWires = clients === "" ? "" : `Or with the client of another protocol:\n\n${clients}\n`
  return `Listening on ${url}, reloading on change.

${inBrowser}Talk to it in another terminal: npx agent-gateway chat ${url}

${byWires}Or with curl (if the agent sets validApiKeys, use one of these keys in place of dev):

  TOKEN=$(curl -s ${apiUrl}/chat/init ${json} -d '{"api_key":"dev"}' | sed 's/.*"session_token":"\\([^"]*\\)".*/\\1/')
  curl -N ${apiUrl}/chat ${json} -H "authorization: Bearer $TOKEN" -d '{"message":"Hello!"}'

`
}
