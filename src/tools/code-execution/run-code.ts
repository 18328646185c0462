import type { ImagePart } from "../../core/messages.ts"
import type { ExecRequest, ExitReason, Sandbox } from "../../core/ports/sandbox.ts"
import { type BoundedOutput, createBoundedOutput } from "./bounded-output.ts"
import { type ReportedFile, watchFiles } from "./changed-files.ts"
import { findImages, type ReportedImage } from "./images.ts"

/** What the model is told of an execution. */
export interface CodeReport {
  readonly stdout: string
  readonly stderr: string
  /** As a shell gives it; null while it runs. */
  readonly return_code: number | null
  /** Also shown as images. */
  readonly images: readonly ReportedImage[]
  /** New or changed ones. */
  readonly files: readonly ReportedFile[]
  readonly timed_out: boolean
  readonly ended_by: "exit" | "timeout" | "out_of_memory" | "disk_full" | null
  readonly duration_ms: number
  readonly truncated: boolean
}

const endings = {
  exited: "exit",
  timeout: "timeout",
  outOfMemory: "out_of_memory",
  diskFull: "disk_full",
} as const satisfies Record<ExitReason, CodeReport["ended_by"]>

/** An execution from its start to its result, which can be asked how far it is. */
export interface CodeRun {
  /** Rejects with the signal's reason, or when the code could not be started. */
  readonly ended: Promise<void>
  report(maxBytes: number): CodeReport
  images(): readonly ImagePart[]
  /** About how much memory it takes up, in bytes. */
  size(): number
}

export interface CodeRunOptions {
  readonly sandbox: Sandbox
  readonly request: ExecRequest
  /** Of each stream. */
  readonly maxOutputBytes: number
  readonly signal: AbortSignal
  /** Given text as it comes; never half a character. */
  readonly onOutput: (text: string, stream: "stdout" | "stderr") => void
}

export function startCode(options: CodeRunOptions): CodeRun {
  const startedAt = performance.now()
  const outputs = {
    stdout: createBoundedOutput(options.maxOutputBytes),
    stderr: createBoundedOutput(options.maxOutputBytes),
  }
  let state: Omit<CodeReport, "stdout" | "stderr" | "truncated" | "duration_ms"> = {
    return_code: null,
    images: [],
    files: [],
    timed_out: false,
    ended_by: null,
  }
  let durationMs: number | null = null
  let parts: readonly ImagePart[] = []

  async function run(): Promise<void> {
    const { sandbox, request, signal } = options
    const changedFiles = await watchFiles(sandbox)
    const exit = await follow(options, sandbox.exec(request, { signal }), outputs)
    durationMs = Math.round(performance.now() - startedAt)
    const files = await changedFiles()
    const found = await findImages(sandbox, files)
    parts = found.parts
    const ended_by = endings[exit.reason]
    state = {
      return_code: exit.exitCode,
      images: found.images,
      files,
      timed_out: exit.reason === "timeout",
      ended_by,
    }
  }

  return {
    ended: run(),
    images: () => parts,
    size: () => outputs.stdout.held + outputs.stderr.held + JSON.stringify([state, parts]).length,
    report: (maxBytes) =>
      fitted(outputs, maxBytes, {
        ...state,
        duration_ms: durationMs ?? Math.round(performance.now() - startedAt),
      }),
  }
}

interface Outputs {
  readonly stdout: BoundedOutput
  readonly stderr: BoundedOutput
}

async function follow(
  { onOutput }: CodeRunOptions,
  events: ReturnType<Sandbox["exec"]>,
  outputs: Outputs,
): Promise<{ readonly exitCode: number; readonly reason: ExitReason }> {
  const decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() }
  for await (const event of events) {
    if (event.type === "exit") return event
    const { stream, bytes } = event
    outputs[stream].push(bytes)
    const text = decoders[stream].decode(bytes, { stream: true })
    if (text !== "") onOutput(text, stream)
  }
  throw new Error("An execution ended without its exit status.")
}

/** Cuts the output, and then the files, until the whole report, as JSON, fits into what a result may have. */
function fitted(
  { stdout, stderr }: Outputs,
  maxBytes: number,
  rest: Omit<CodeReport, "stdout" | "stderr" | "truncated">,
): CodeReport {
  let { files } = rest
  for (let share = maxBytes; ; share = Math.floor(share / 2)) {
    const report = {
      stdout: stdout.text(share),
      stderr: stderr.text(share),
      ...rest,
      files,
      truncated: stdout.truncated(share) || stderr.truncated(share) || files.length < rest.files.length,
    }
    if (Buffer.byteLength(JSON.stringify(report)) <= maxBytes) return report
    if (share >= 100) continue
    // Names can be long.
    if (files.length === 0) return report
    files = files.slice(0, Math.floor(files.length / 2))
  }
}
