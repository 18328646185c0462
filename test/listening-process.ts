import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"

/** A process of a test that serves HTTP. It prints `Listening on URL`. */
export interface ListeningProcess {
  readonly url: string
  signal(signal: NodeJS.Signals): void
  /** Sends the signal, and resolves to the exit code, or to the signal that ended the process. */
  end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals>
}

export interface ListeningProcessOptions {
  /** Name in the message if the process does not start. */
  readonly name: string
  /** Arguments of Node. */
  readonly args: readonly string[]
  readonly cwd: string
  /** The whole environment besides `PATH`. */
  readonly env: Readonly<Record<string, string>>
  /** Descriptor of its error output. Default: that of the test. */
  readonly stderr?: number
}

/** Starts a process with this Node. Resolves once it listens. */
export async function startListening(options: ListeningProcessOptions): Promise<ListeningProcess> {
  const { name, args, cwd, env, stderr = "inherit" } = options
  const child: ChildProcess = spawn(process.execPath, [...args], {
    cwd,
    stdio: ["ignore", "pipe", stderr],
    env: { PATH: process.env.PATH, ...env },
  })
  const exited = once(child, "exit").then(([code, signal]) => code ?? signal)
  const listening = new Promise<string>((resolve) => {
    let printed = ""
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      printed += text
      const [, url] = /^Listening on (\S+)$/m.exec(printed) ?? []
      if (url !== undefined) resolve(url)
    })
  })
  const url = await Promise.race([
    listening,
    exited.then((code) =>
      Promise.reject(new Error(`The process ${name} ended (${code}) before it listened.`)),
    ),
  ])
  return {
    url,
    signal: (signal) => child.kill(signal),
    async end(signal) {
      child.kill(signal)
      return exited
    },
  }
}
