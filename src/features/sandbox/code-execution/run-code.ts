import type { ExecRequest, ExitStatus, Sandbox } from "../../../core/ports/tools/sandbox.ts"
import { watchFiles } from "./changed-files.ts"
import { type CodeRecord, createCodeRecord } from "./code-record.ts"
import { findImages, type ImageLimits } from "./images.ts"

/** An execution from its start to its result. */
export interface CodeRun {
  /** Rejects with the signal's reason, or if the code could not be started. */
  readonly ended: Promise<void>
  /** The record can be read at any time, and kept after the execution. */
  readonly record: CodeRecord
}

export interface CodeRunOptions {
  readonly sandbox: Sandbox
  readonly request: ExecRequest
  /** Maximum bytes that are kept of each stream. */
  readonly maxOutputBytes: number
  readonly imageLimits: ImageLimits
  readonly signal: AbortSignal
  /** Receives text as it arrives. A character is never split. */
  readonly onOutput: (text: string, stream: "stdout" | "stderr") => void
}

export function startCode(options: CodeRunOptions): CodeRun {
  const record = createCodeRecord(options.maxOutputBytes)
  return { ended: runCode(options, record), record }
}

async function runCode(options: CodeRunOptions, record: CodeRecord): Promise<void> {
  const { sandbox, request, imageLimits, signal } = options
  const changedFiles = await watchFiles(sandbox, signal)
  const exit = await follow(options, sandbox.exec(request, { signal }), record)
  record.stop()
  const changed = await changedFiles()
  record.complete({ exit, changed, found: await findImages(sandbox, changed.files, imageLimits) })
}

async function follow(
  { onOutput }: CodeRunOptions,
  events: ReturnType<Sandbox["exec"]>,
  record: CodeRecord,
): Promise<ExitStatus> {
  const decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() }
  for await (const event of events) {
    if (event.type === "exit") return event
    const { stream, bytes } = event
    record.push(stream, bytes)
    const text = decoders[stream].decode(bytes, { stream: true })
    if (text !== "") onOutput(text, stream)
  }
  throw new Error("An execution ended without its exit status.")
}
