import { EventEmitter } from "node:events"
import { Transform } from "node:stream"
import { followOutput } from "../../../../platform/processes/output-tail.ts"
import { type ProcessGroup, startGroup } from "../../../../platform/processes/process-group.ts"
import type { SpawnedProcess, SpawnOptions } from "../sdk.ts"

/** Maximum bytes of one message. A process with a longer one is stopped. */
const longestMessage = 32 * 1024 * 1024

/** The process of Claude Code behind one query. It never outlives the gateway. */
export interface SdkProcess {
  /** Implements the SDK's option `spawnClaudeCodeProcess`. */
  spawn(options: SpawnOptions): SpawnedProcess
  /** Passes output on. Before the first call, and after `hold`, output stays in the pipe. */
  flow(): void
  hold(): void
  /** If true, the process was stopped because of a message that was too long. */
  readonly overflowed: boolean
  /** Returns the end of the standard error. */
  stderr(): string
  /** Ends the process. Resolves when the process and all commands that it started have ended. */
  terminate(): Promise<void>
}

interface ProcessEvents {
  readonly onStart: (group: number) => void
  readonly onStderr: (line: string) => void
}

export function createSdkProcess({ onStart, onStderr }: ProcessEvents): SdkProcess {
  let group: ProcessGroup | null = null
  let readErrors = () => ""
  let overflowed = false
  const valve = createValve()

  async function terminate(): Promise<void> {
    valve.open()
    await group?.terminate()
  }

  return {
    spawn({ command, args, cwd, env }) {
      if (group !== null) throw new Error("The SDK starts a second process.")
      const defined = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined)
      const started = startGroup({ command, args, cwd: cwd ?? null, env: Object.fromEntries(defined) })
      group = started
      onStart(started.pid)
      readErrors = followOutput(started.stderr, onStderr).read
      const limited = limitLines(started.stdout, valve, () => {
        overflowed = true
        void terminate()
      })
      return createSpawnedProcess(started, limited, terminate)
    },
    flow: valve.open,
    hold: valve.close,
    get overflowed() {
      return overflowed
    },
    stderr: () => readErrors(),
    terminate,
  }
}

interface Valve {
  open(): void
  close(): void
  /** Calls `pass` now if the valve is open, otherwise when it is opened. */
  through(pass: () => void): void
}

function createValve(): Valve {
  let isOpen = false
  let held: (() => void) | null = null
  return {
    open() {
      isOpen = true
      const pass = held
      held = null
      pass?.()
    },
    close() {
      isOpen = false
    },
    through(pass) {
      if (isOpen) pass()
      else held = pass
    },
  }
}

function limitLines(stdout: NodeJS.ReadableStream, valve: Valve, onTooLong: () => void): Transform {
  let line = 0
  let hasEnded = false
  const limited = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      if (hasEnded) return done()
      for (const piece of splitAtNewlines(chunk)) {
        line = piece.endsLine ? 0 : line + piece.bytes
        if (line > longestMessage) {
          hasEnded = true
          onTooLong()
          return done()
        }
      }
      valve.through(() => done(null, chunk))
    },
  })
  stdout.on("error", () => limited.end())
  stdout.pipe(limited)
  return limited
}

/**
 * Returns the number of bytes that the chunk adds to the line before it, and the number of bytes of its own last
 * line.
 */
function splitAtNewlines(chunk: Buffer): readonly { readonly bytes: number; readonly endsLine: boolean }[] {
  const first = chunk.indexOf(10)
  if (first === -1) return [{ bytes: chunk.length, endsLine: false }]
  const last = chunk.lastIndexOf(10)
  return [
    { bytes: first, endsLine: false },
    { bytes: 0, endsLine: true },
    { bytes: chunk.length - last - 1, endsLine: false },
  ]
}

function createSpawnedProcess(
  group: ProcessGroup,
  stdout: Transform,
  terminate: () => Promise<void>,
): SpawnedProcess {
  const events = new EventEmitter()
  let killed = false
  let exitCode: number | null = null
  void group.ended.then((exit) => {
    exitCode = "code" in exit ? exit.code : null
    events.emit("exit", exitCode, "signal" in exit ? exit.signal : null)
  })
  return {
    stdin: group.stdin,
    stdout,
    get killed() {
      return killed
    },
    get exitCode() {
      return exitCode
    },
    kill() {
      killed = true
      void terminate()
      return true
    },
    on: (event, listener) => void events.on(event, listener),
    once: (event, listener) => void events.once(event, listener),
    off: (event, listener) => void events.off(event, listener),
  }
}
