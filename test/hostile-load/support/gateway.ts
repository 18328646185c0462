import { spawn } from "node:child_process"
import { once } from "node:events"
import { readFile } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import type { LoopReport } from "../fixtures/loop-monitor.ts"

const program = fileURLToPath(new URL("../../../bin/agent-gateway.js", import.meta.url))
const fixtures = new URL("../fixtures/", import.meta.url)
const monitor = new URL("loop-monitor.ts", fixtures).href

export const keys = { client: "key-of-the-client-0123456789", attacker: "key-of-the-attacker-0123456789" }

/** `agent-gateway start` in `folder`. */
export interface Gateway {
  readonly url: string
  /** Returns the exit code. Null while the process runs. */
  exitCode(): number | string | null
  /** Resolves to the peak resident memory of the process. */
  peakMemoryBytes(): Promise<number>
  /** Resolves to the CPU seconds of all threads so far. */
  cpuSeconds(): Promise<number>
  /** Resolves to the measurements of the event loop since the last call. */
  loop(): Promise<LoopReport>
  log(): string
  /** Stops the process gracefully, so that a profile is written. */
  stop(): Promise<void>
}

export async function startGateway(options: {
  /** A file of `../fixtures`. */
  readonly agent: string
  readonly folder: string
  readonly modelUrl: string
  /** URL of a Postgres database. Default: SQLite in the folder. */
  readonly store?: string | undefined
  /** Options of the Node process, such as `--cpu-prof`. */
  readonly nodeOptions: readonly string[]
}): Promise<Gateway> {
  const { folder, modelUrl, store, nodeOptions } = options
  const agent = fileURLToPath(new URL(options.agent, fixtures))
  const nodeArguments = ["--import", monitor, ...nodeOptions]
  const child = spawn(process.execPath, [...nodeArguments, program, "start", agent, "--port", "0"], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    env: {
      PATH: process.env.PATH,
      ANTHROPIC_API_KEY: "sk-test-key",
      ANTHROPIC_BASE_URL: modelUrl,
      API_KEYS: JSON.stringify(keys),
      ...(store !== undefined && { STORE: store }),
    },
  })
  let log = ""
  const exited = once(child, "exit")
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    log = (log + text).slice(-100_000)
  })
  const listening = new Promise<string>((resolve) => {
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      const [, url] = /^Listening on (\S+)$/m.exec(text) ?? []
      if (url !== undefined) resolve(url)
    })
  })
  const url = await Promise.race([
    listening,
    exited.then(() => Promise.reject(new Error(`The gateway did not start:\n${log}`))),
  ])
  const read = (file: string) => readFile(`/proc/${child.pid}/${file}`, "utf8")
  return {
    url,
    exitCode: () => child.exitCode ?? child.signalCode,
    async peakMemoryBytes() {
      const [, kilobytes] = /^VmHWM:\s*(\d+) kB$/m.exec(await read("status")) ?? []
      return Number(kilobytes) * 1_024
    },
    async cpuSeconds() {
      // Fields 14 and 15 of proc_pid_stat(5), in ticks of 10 ms. The name in field 2 may contain spaces.
      const stat = await read("stat")
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
      return (Number(fields[11]) + Number(fields[12])) / 100
    },
    async loop() {
      const reported = once(child, "message")
      child.send({})
      const [report] = await reported
      return report as LoopReport
    },
    log: () => log,
    async stop() {
      child.kill("SIGTERM")
      const timer = setTimeout(() => child.kill("SIGKILL"), 30_000)
      await exited
      clearTimeout(timer)
    },
  }
}
