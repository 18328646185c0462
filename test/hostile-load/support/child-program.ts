import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { constants, getPriority, setPriority } from "node:os"

/** A program of `../fixtures` in its own process. It answers each request over the IPC channel. */
export interface ChildProgram {
  /** Sends a request and resolves to its answer. Rejects if the process ends. Allows one request at a time. */
  ask<Answer>(request: object): Promise<Answer>
  stop(): Promise<void>
}

export interface ChildProgramOptions {
  /** The only argument of the program, as JSON. */
  readonly settings?: object
  /** Value that is added to the nice number, so that the process yields to others. Default 0. */
  readonly nice?: number
}

const maxNice = constants.priority.PRIORITY_LOW

export function startProgram(
  file: string,
  { settings = {}, nice = 0 }: ChildProgramOptions = {},
): ChildProgram {
  const program = new URL(`../fixtures/${file}`, import.meta.url)
  const child: ChildProcess = fork(program, [JSON.stringify(settings)])
  // Only root may take a higher priority than its own.
  if (child.pid !== undefined) setPriority(child.pid, Math.min(getPriority() + nice, maxNice))
  const exited = once(child, "exit")
  return {
    async ask<Answer>(request: object) {
      const answered = once(child, "message")
      child.send(request)
      const [answer] = await Promise.race([
        answered,
        exited.then(([code, signal]) => Promise.reject(new Error(`${file} ended (${signal ?? code}).`))),
      ])
      return answer as Answer
    },
    async stop() {
      child.kill("SIGKILL")
      await exited
    },
  }
}
