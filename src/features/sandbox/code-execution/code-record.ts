import type { ImagePart } from "../../../core/history/messages.ts"
import type { ExitStatus, OutputChunk, RemovedFiles } from "../../../core/ports/tools/sandbox.ts"
import { type BoundedOutput, createBoundedOutput } from "./bounded-output.ts"
import type { ChangedFiles, ReportedFile } from "./changed-files.ts"
import type { FoundImages, OmittedImages, ReportedImage } from "./images.ts"

/** The result of an execution as the model receives it. */
export interface CodeReport {
  readonly stdout: string
  readonly stderr: string
  /** The exit code as a shell reports it; null while the code runs. */
  readonly return_code: number | null
  /** The files that the result also shows as images. */
  readonly images: readonly ReportedImage[]
  /** Image files that the result does not show. Left out if there are none. */
  readonly images_omitted?: OmittedImages
  /** New and changed files. */
  readonly files: readonly ReportedFile[]
  /** Number of new and changed files that `files` does not list. Left out if it lists all. */
  readonly files_omitted?: number
  /** Files that the gateway deleted because the disk quota was exceeded. Left out if there are none. */
  readonly files_removed?: RemovedFiles
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
} as const satisfies Record<ExitStatus["reason"], CodeReport["ended_by"]>

const maxFiles = 100

/** The outcome of an execution whose code has ended. */
export interface CodeOutcome {
  readonly exit: ExitStatus
  readonly changed: ChangedFiles
  readonly found: FoundImages
}

/**
 * The record of an execution: its output and its outcome. It does not refer to the code or the sandbox, so a record
 * that is kept for later holds only the memory that `size` counts.
 */
export interface CodeRecord {
  push(stream: OutputChunk["stream"], bytes: Uint8Array): void
  /** Stops the measured duration. */
  stop(): void
  complete(outcome: CodeOutcome): void
  report(maxBytes: number): CodeReport
  images(): readonly ImagePart[]
  /** Returns its memory in bytes. */
  size(): number
}

/** Creates a record that keeps `maxOutputBytes` of each of the two streams. */
export function createCodeRecord(maxOutputBytes: number): CodeRecord {
  const startedAt = performance.now()
  const outputs = {
    stdout: createBoundedOutput(maxOutputBytes),
    stderr: createBoundedOutput(maxOutputBytes),
  }
  let durationMs: number | null = null
  let outcome: Outcome = running
  let parts: readonly ImagePart[] = []
  const measureElapsed = () => Math.round(performance.now() - startedAt)
  return {
    push: (stream, bytes) => outputs[stream].push(bytes),
    stop() {
      durationMs ??= measureElapsed()
    },
    complete({ exit, changed, found }) {
      outcome = toOutcome(exit, changed, found)
      parts = found.parts
    },
    images: () => parts,
    size: () =>
      recordBytes + outputs.stdout.held + outputs.stderr.held + estimateSize(outcome) + estimateSize(parts),
    report: (maxBytes) => fitReport(outputs, maxBytes, outcome, durationMs ?? measureElapsed()),
  }
}

/** Memory of a record without content: its closures, buffers and small objects. */
const recordBytes = 2_048
const bytesPerCharacter = 2

/** Returns an upper estimate, as if every string had characters outside of Latin-1. */
function estimateSize(value: unknown): number {
  if (typeof value === "string") return 32 + bytesPerCharacter * value.length
  if (typeof value !== "object" || value === null) return 16
  return Object.values(value).reduce((total: number, part: unknown) => total + estimateSize(part), 64)
}

type Outcome = Pick<CodeReport, "return_code" | "images" | "files" | "timed_out" | "ended_by"> & {
  readonly imagesOmitted: OmittedImages
  readonly filesOmitted: number
  /** If true, the listing of files itself was truncated. */
  readonly listingTruncated: boolean
  readonly removed: RemovedFiles | null
}

const running: Outcome = {
  return_code: null,
  images: [],
  files: [],
  timed_out: false,
  ended_by: null,
  imagesOmitted: { count: 0, images: [] },
  filesOmitted: 0,
  listingTruncated: false,
  removed: null,
}

function toOutcome(exit: ExitStatus, { files, complete }: ChangedFiles, found: FoundImages): Outcome {
  return {
    return_code: exit.exitCode,
    images: found.images,
    files: files.slice(0, maxFiles),
    timed_out: exit.reason === "timeout",
    ended_by: endings[exit.reason],
    imagesOmitted: found.omitted,
    filesOmitted: Math.max(0, files.length - maxFiles),
    listingTruncated: !complete,
    removed: exit.removed ?? null,
  }
}

interface Outputs {
  readonly stdout: BoundedOutput
  readonly stderr: BoundedOutput
}

/** Shortens the output, and then the lists of files, until the whole report has at most `maxBytes` of JSON. */
function fitReport(
  { stdout, stderr }: Outputs,
  maxBytes: number,
  { imagesOmitted, filesOmitted, listingTruncated, removed, ...outcome }: Outcome,
  duration_ms: number,
): CodeReport {
  // File names can be long, so shorter output alone may not be enough.
  let listed = Number.POSITIVE_INFINITY
  for (let share = maxBytes; ; share = Math.floor(share / 2)) {
    const files = outcome.files.slice(0, listed)
    const missing = filesOmitted + outcome.files.length - files.length
    const report: CodeReport = {
      stdout: stdout.text(share),
      stderr: stderr.text(share),
      ...outcome,
      ...(imagesOmitted.count > 0 && {
        images_omitted: { count: imagesOmitted.count, images: imagesOmitted.images.slice(0, listed) },
      }),
      files,
      ...(missing > 0 && { files_omitted: missing }),
      ...(removed !== null && {
        files_removed: { count: removed.count, paths: removed.paths.slice(0, listed) },
      }),
      duration_ms,
      truncated: stdout.truncated(share) || stderr.truncated(share) || missing > 0 || listingTruncated,
    }
    if (listed === 0 || Buffer.byteLength(JSON.stringify(report)) <= maxBytes) return report
    if (share < 100) listed = Math.floor(Math.min(listed, maxFiles) / 2)
  }
}
