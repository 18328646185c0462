import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import type { Readable, Writable } from "node:stream"
import { setTimeout as delay } from "node:timers/promises"
import { toError } from "../core/errors.ts"
import { requireProgram } from "./require-program.ts"

export interface Program {
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string | null
}

/** A program with all that it starts, which ends with this process whatever becomes of it. */
export interface ProcessGroup {
  readonly pid: number
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
  /** Settles when the program itself has ended and what it wrote has been read: by itself or by `terminate`. */
  readonly ended: Promise<Exit>
  /** Closes standard input, then TERM, then KILL to all of the group. Resolves when nothing of it is left. */
  terminate(): Promise<void>
}

/** A program that a signal ended has the code 128 and the signal's number, as in a shell. */
export type Exit = { readonly code: number } | { readonly signal: string }

/**
 * Milliseconds that a program may take to end by itself once its standard input is closed, and then after TERM.
 */
const inputGraceMs = 500
const termGraceMs = 2_000
const goneWithinMs = 1_000
/** Milliseconds to wait for a program's last output: a process that it left behind may hold the pipe. */
const drainMs = 500

/**
 * A shell leads the group. It waits for the program, so that somebody reaps what it starts, and passes on how that
 * ended; when a signal interrupts a wait, it waits again. Its other child is the watchdog: the pipe it reads (3) is
 * held open by the gateway alone, so when that ends, for the gateway died, the watchdog ends the group.
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

/** Rejects with the reason when there is no such program, or when it cannot be started. */
export async function spawnGroup(program: Program): Promise<ProcessGroup> {
  const { command, env, cwd } = program
  if (isPosix) await requireProgram({ command, env, cwd })
  const child = spawnLeashed(program)
  try {
    await once(child, "spawn")
  } catch (thrown) {
    // The system reports a missing directory as if the shell were missing.
    const where = cwd === null ? "" : ` in ${cwd}`
    throw new Error(`${command} cannot be started${where}: ${toError(thrown).message}`, { cause: thrown })
  }
  return grouped(child)
}

/**
 * Starts a program for a caller that cannot wait. A program that does not exist ends with the exit code 127, as in a
 * shell. Throws if no process can be started at all.
 */
export function startGroup(program: Program): ProcessGroup {
  const child = spawnLeashed(program)
  // Without a process, `grouped` throws. The event that follows says the same.
  child.on("error", () => undefined)
  return grouped(child)
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

function grouped(child: ChildProcess): ProcessGroup {
  const { stdin, stdout, stderr, pid } = child
  if (stdin === null || stdout === null || stderr === null || pid === undefined) {
    throw new Error("A started process has no pipes.")
  }
  // What is written to a program that has ended is lost; `ended` tells so.
  for (const pipe of [stdin, child.stdio[3]]) pipe?.on("error", () => undefined)
  const exited = once(child, "exit").then(([code, signal]): Exit => (code === null ? { signal } : { code }))
  const closed = once(child, "close")
  const ended = exited.then(async (exit) => {
    // What the program left behind may hold its pipes.
    signalGroup("SIGKILL")
    await Promise.race([closed, delay(drainMs, undefined, { ref: false })])
    return exit
  })
  let termination: Promise<void> | null = null

  async function terminate(): Promise<void> {
    const over = exited.then(() => true)
    const isOverWithin = (ms: number) => Promise.race([over, delay(ms, false)])
    stdin?.end()
    if (!(await isOverWithin(inputGraceMs))) {
      signalGroup("SIGTERM")
      await isOverWithin(termGraceMs)
    }
    signalGroup("SIGKILL")
    await exited
    for (const pipe of child.stdio) pipe?.destroy()
    await gone()
  }

  function signalGroup(signal: NodeJS.Signals | 0): boolean {
    if (!isPosix) return child.kill(signal)
    try {
      return process.kill(-(pid ?? 0), signal)
    } catch {
      // Nothing is left of the group.
      return false
    }
  }

  /** Waits for processes without a parent: the system's first process reaps them, which takes a moment. */
  async function gone(): Promise<void> {
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
