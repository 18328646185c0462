import { type ChildProcess, spawn } from "node:child_process"
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { onTestFinished } from "vitest"

/** File of the built command line. */
export const cliProgram = fileURLToPath(new URL("../bin/agent-gateway.js", import.meta.url))
const fakeGateway = new URL("fixtures/fake-gateway.mjs", import.meta.url).href

/** A running command line. If it has not ended by the end of the test, it is killed. */
export interface CliProcess {
  readonly pid: number
  /** Returns the standard output so far. */
  readonly stdout: () => string
  readonly stderr: () => string
  /**
   * Resolves to the match once `pattern` appears in the output. Output before the first `after` characters does not
   * count.
   */
  printed(pattern: RegExp, options?: { readonly after?: number }): Promise<RegExpExecArray>
  readonly exited: Promise<number | NodeJS.Signals>
  signal(signal: NodeJS.Signals): void
  readonly child: ChildProcess
}

export interface CliOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string
  readonly nodeOptions?: readonly string[]
  /** If true, the process is the leader of a process group, as in a shell. */
  readonly detached?: boolean
  /**
   * Registers a function that ends the process if it has not ended by itself. Default: it is called at the end of the
   * test.
   */
  readonly onEnd?: (end: () => Promise<void>) => void
}

/** Starts the built command line like a user. */
export function startCli(args: readonly string[], options: CliOptions = {}): CliProcess {
  const { PORT: _port, DEBUG: _debug, ...env } = process.env
  const child = spawn(process.execPath, [...(options.nodeOptions ?? []), cliProgram, ...args], {
    cwd: options.cwd,
    env: { ...env, ...options.env },
    detached: options.detached ?? false,
  })
  let stdout = ""
  let stderr = ""
  const waiting = new Set<() => void>()
  const notify = () => {
    for (const check of waiting) check()
  }
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text
    notify()
  })
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text
    notify()
  })
  child.stdin.on("error", () => {})
  child.stdin.end(options.input ?? "")
  const exited = new Promise<number | NodeJS.Signals>((resolve) => {
    child.on("close", (code, signal) => resolve(code ?? signal ?? "SIGKILL"))
  })
  const onEnd = options.onEnd ?? onTestFinished
  onEnd(async () => {
    child.kill("SIGKILL")
    await exited
  })
  return {
    pid: child.pid ?? 0,
    child,
    stdout: () => stdout,
    stderr: () => stderr,
    exited,
    signal: (signal) => child.kill(signal),
    printed: (pattern, { after = 0 } = {}) =>
      new Promise((resolve, reject) => {
        const check = () => {
          const match = pattern.exec(stdout.slice(after)) ?? pattern.exec(stderr)
          if (match === null) return
          waiting.delete(check)
          resolve(match)
        }
        waiting.add(check)
        check()
        void exited.then((code) => {
          check()
          reject(new Error(`ended (${code}) without printing ${pattern}:\n${stdout}\n${stderr}`))
        })
      }),
  }
}

/** Runs a command line and waits for its end. */
export async function runCliProcess(args: readonly string[], options?: CliOptions) {
  const cli = startCli(args, options)
  const code = await cli.exited
  return { code, stdout: cli.stdout(), stderr: cli.stderr() }
}

/** Creates an empty folder, which is removed at the end of the test. */
async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "agent-gateway-cli-"))
  // The worker of a killed `dev` ends soon after it, and may write until then.
  onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 20 }))
  return folder
}

/**
 * Creates a folder with these files. The text `GATEWAY` in them is replaced with the URL of the module with
 * `fakeGateway`.
 */
export async function project(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await temporaryFolder()
  for (const [name, text] of Object.entries(files)) await writeProjectFile(folder, name, text)
  return folder
}

export async function writeProjectFile(folder: string, name: string, text: string): Promise<void> {
  const file = join(folder, name)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, text.replaceAll("GATEWAY", fakeGateway))
}

/** Replaces a file as many editors do, so that a reader sees either the old text or the new one. */
export async function replaceProjectFile(folder: string, name: string, text: string): Promise<void> {
  await writeProjectFile(folder, `${name}.draft`, text)
  await rename(join(folder, `${name}.draft`), join(folder, name))
}
