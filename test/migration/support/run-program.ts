import { spawn } from "node:child_process"
import { text } from "node:stream/consumers"

export interface ProgramOptions {
  readonly cwd: string
  readonly env?: Readonly<Record<string, string>>
}

/** Runs a TypeScript program to its end, for at most 50 seconds. */
export async function runProgram(file: string, { cwd, env }: ProgramOptions) {
  const child = spawn(process.execPath, [file], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 50_000,
    killSignal: "SIGKILL",
  })
  const exited = new Promise<number | null>((resolve) => child.on("close", resolve))
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), exited])
  return { code, stdout, stderr }
}
