import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { closeSync } from "node:fs"
import { constants } from "node:os"
import type { Readable, Writable } from "node:stream"
import { setTimeout as delay } from "node:timers/promises"
import { hasCode } from "../../../core/errors.ts"
import type { Running } from "../backend.ts"
import type { Cgroup } from "../cgroups/cgroups.ts"
import { mergeOutput } from "./merge-output.ts"
import type { MakePipes, OutputPipe } from "./output-pipes.ts"
import { continueProcessTree, stopProcessTree } from "./process-tree.ts"
import type { Starter } from "./starter.ts"

export interface ProcessOptions {
  /** The command. The first item is the path of the program. */
  readonly command: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  readonly input: string
  /** Additional files of the program, from number 3 on: open files, or data that it can read. */
  readonly extra?: readonly (number | Uint8Array)[]
  readonly cgroup: Cgroup | null
  readonly starter: Starter
  readonly makePipes: MakePipes
  /** Kills processes that the program leaves behind outside its process group and its control group. */
  readonly killRest?: () => Promise<void>
  /** Removes objects that outlive the processes, after the last process has ended. */
  readonly removeRest?: () => Promise<void>
}

/** Starts a program on this machine as an execution of a backend. */
export async function startProcess({
  command,
  env,
  cwd,
  input,
  extra = [],
  cgroup,
  starter,
  makePipes,
  killRest,
  removeRest,
}: ProcessOptions): Promise<Running> {
  const [shell, ...shellOptions] = starter.shell
  const [stdout, stderr] = (await makePipes(2)) as readonly [OutputPipe, OutputPipe]
  const child = spawn(
    shell,
    [...shellOptions, "-c", starter.script, "sh", ...(cgroup?.folders ?? []), "--", ...command],
    {
      cwd,
      env,
      // The program has its own group, so that Ctrl+C in the gateway's terminal does not reach it.
      detached: true,
      stdio: [
        "pipe",
        stdout.writer,
        stderr.writer,
        ...extra.map((file) => (typeof file === "number" ? file : "pipe")),
      ],
    },
  )
  // From now on only the process holds them, so its end is the end of its output.
  for (const { writer } of [stdout, stderr]) closeSync(writer)
  let ended: Promise<void> | null = null
  const end = () => {
    ended ??= endProcess(child, cgroup, killRest).then(removeRest)
    return ended
  }
  const exited = waitForExit(child, cgroup).then(async (exit) => {
    await end()
    return exit
  })
  // A caller that ends the execution does not need its exit.
  exited.catch(() => {})
  try {
    await once(child, "spawn")
  } catch (error) {
    for (const { reader } of [stdout, stderr]) reader.destroy()
    await cgroup?.end()
    throw error
  }
  extra.forEach((file, index) => {
    if (typeof file !== "number") send(child.stdio[3 + index] as Writable, file)
  })
  send(child.stdin as Writable, input)
  const close = () => void closeAbandoned([stdout.reader, stderr.reader])
  exited.then(close, close)
  return {
    output: mergeOutput(stdout.reader, stderr.reader),
    exited,
    end,
    ...createFreezer(child, cgroup),
  }
}

/** Returns the freezer: the control group, or a function that stops each descendant of the program. */
function createFreezer({ pid }: ChildProcess, cgroup: Cgroup | null): Pick<Running, "freeze" | "thaw"> {
  if (cgroup?.freezer != null) return cgroup.freezer
  if (pid === undefined) throw new Error("The program has not started.")
  return { freeze: () => stopProcessTree(pid), thaw: () => continueProcessTree(pid) }
}

const abandonedMs = 500

/** Closes pipes. A process that escaped may hold the other end of a pipe forever, and must not delay the result. */
async function closeAbandoned(pipes: readonly Readable[]): Promise<void> {
  while (pipes.some((pipe) => !pipe.readableEnded && !pipe.destroyed)) {
    await delay(abandonedMs, undefined, { ref: false })
    // A pipe with buffered data waits for its reader.
    for (const pipe of pipes) if (pipe.readableLength === 0) pipe.destroy()
  }
}

/** Sends data. A program may end without reading it. */
function send(to: Writable, data: string | Uint8Array): void {
  to.on("error", () => {})
  to.end(data)
}

async function waitForExit(child: ChildProcess, cgroup: Cgroup | null) {
  const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null]
  const outOfMemory = (await cgroup?.outOfMemory()) ?? false
  const exitCode = code ?? 128 + (signal === null ? 0 : constants.signals[signal])
  return { exitCode, outOfMemory }
}

async function endProcess(
  child: ChildProcess,
  cgroup: Cgroup | null,
  killRest: (() => Promise<void>) | undefined,
): Promise<void> {
  killGroup(child)
  await cgroup?.kill()
  await killRest?.()
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit")
  await cgroup?.end()
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, "SIGKILL")
  } catch (error) {
    // The group has no processes.
    if (!hasCode(error, "ESRCH")) throw error
  }
}
