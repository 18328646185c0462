import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import type { Readable, Writable } from "node:stream"
import { setTimeout as delay } from "node:timers/promises"
import { toError } from "../../core/errors.ts"
import { requireProgram } from "./require-program.ts"

export interface Program {
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string | null
}

/** A program with all processes that it starts. They end with this process, however it ends. */
export interface ProcessGroup {
  readonly pid: number
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
  /** Settles when the program has ended, by itself or by `terminate`, and its output has been read. */
  readonly ended: Promise<Exit>
  /**
   * Closes standard input, then sends TERM, then KILL to the whole group. Resolves when no process of the group is
   * left.
   */
  terminate(): Promise<void>
}

/** The end of a program. If a signal ended it, its code is 128 plus the signal's number, as in a shell. */
export type Exit = { readonly code: number } | { readonly signal: string }

/** Milliseconds that a program may take to end by itself after its standard input was closed, and then after TERM. */
const inputGraceMs = 500
const termGraceMs = 2_000
const goneWithinMs = 1_000
/** Milliseconds to wait for a program's last output, because a process that it left behind may hold the pipe. */
const drainMs = 500

/**
 * The script of the shell that leads the group. It waits for the program, so that its processes are reaped, and
 * passes on the program's exit. If a signal interrupts the wait, it waits again. Its other child is the watchdog.
 * Only the gateway holds the other end of the pipe (3) that the watchdog reads. When the gateway dies, the pipe ends,
 * and the watchdog ends the group.
 */
const leash = `
trap : HUP INT TERM
exec 4<&0
"$@" <&4 3<&- 4<&- &
program=$!
exec </dev/null >/dev/null 2>&1 4<&-
(
  trap "" HUP INT TERM
  read -r _ <&3
  kill -s TERM -- -$$
  sleep 2
  kill -s KILL -- -$$
) &
watchdog=$!
exec 3<&-
wait $program
code=$?
while [ $code -gt 128 ] && kill -0 $program; do
  wait $program
  code=$?
done
kill -s KILL $watchdog
wait $watchdog
exit $code`

const isPosix = process.platform !== "win32"

/** Starts a program. Rejects with the reason if there is no such program, or if it cannot be started. */
export async function spawnGroup(program: Program): Promise<ProcessGroup> {
  const { command, env, cwd } = program
  if (isPosix) await requireProgram({ command, env, cwd })
  const child = spawnLeashed(program)
  try {
    await once(child, "spawn")
  } catch (thrown) {
    // The system reports a missing directory as a missing shell.
    const where = cwd === null ? "" : ` in ${cwd}`
    throw new Error(`${command} cannot be started${where}: ${toError(thrown).message}`, { cause: thrown })
  }
  return toProcessGroup(child)
}

/**
 * Starts a program for a caller that cannot wait. A program that does not exist ends with the exit code 127, as in a
 * shell. Throws if no process can be started at all.
 */
export function startGroup(program: Program): ProcessGroup {
  const child = spawnLeashed(program)
  // If there is no process, `toProcessGroup` throws. The later `error` event reports the same failure.
  child.on("error", () => undefined)
  return toProcessGroup(child)
}

function spawnLeashed({ command, args, env, cwd }: Program): ChildProcess {
  const [file, ...rest] = isPosix ? ["/bin/sh", "-c", leash, "sh", command, ...args] : [command, ...args]
  return spawn(file ?? command, rest, {
    env,
    detached: isPosix,
    windowsHide: true,
    stdio: ["pipe", "pipe", "pipe", "pipe"],
    ...(cwd !== null && { cwd }),
  })
}

function toProcessGroup(child: ChildProcess): ProcessGroup {
  const { stdin, stdout, stderr, pid } = child
  if (stdin === null || stdout === null || stderr === null || pid === undefined) {
    throw new Error("A started process has no pipes.")
  }
  // Input for a program that has ended is lost. `ended` reports the end.
  for (const pipe of [stdin, child.stdio[3]]) pipe?.on("error", () => undefined)
  const exited = once(child, "exit").then(([code, signal]): Exit => (code === null ? { signal } : { code }))
  const closed = once(child, "close")
  const ended = exited.then(async (exit) => {
    // Processes that the program left behind may hold its pipes.
    signalGroup("SIGKILL")
    await Promise.race([closed, delay(drainMs, undefined, { ref: false })])
    return exit
  })
  let termination: Promise<void> | null = null

  async function terminate(): Promise<void> {
    const hasExited = exited.then(() => true)
    const isOverWithin = (ms: number) => Promise.race([hasExited, delay(ms, false)])
    stdin?.end()
    if (!(await isOverWithin(inputGraceMs))) {
      signalGroup("SIGTERM")
      await isOverWithin(termGraceMs)
    }
    signalGroup("SIGKILL")
    await exited
    for (const pipe of child.stdio) pipe?.destroy()
    await waitUntilGone()
  }

  function signalGroup(signal: NodeJS.Signals | 0): boolean {
    if (!isPosix) return child.kill(signal)
    try {
      return process.kill(-(pid ?? 0), signal)
    } catch {
      // No process of the group is left.
      return false
    }
  }

  /** Waits for processes without a parent. The system's first process reaps them, which takes a moment. */
  async function waitUntilGone(): Promise<void> {
    if (!isPosix) return
    for (const until = Date.now() + goneWithinMs; signalGroup(0) && Date.now() < until; ) await delay(5)
  }

  return {
    pid,
    stdin,
    stdout,
    stderr,
    ended,
    terminate() {
      termination ??= terminate()
      return termination
    },
  }
}
