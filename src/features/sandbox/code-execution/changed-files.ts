import { maxListedFiles, type Sandbox, type SandboxFile } from "../../../core/ports/tools/sandbox.ts"
import { cacheFolder } from "../workspace/cache-folder.ts"

export interface ReportedFile {
  readonly path: string
  readonly size: number
  readonly media_type: string
}

/** New and changed files outside of the cache folder, in the order of their paths. */
export interface ChangedFiles {
  readonly files: readonly ReportedFile[]
  /** False if the working directory has more files than a sandbox lists, so that some may be missing here. */
  readonly complete: boolean
}

/** Resolves to a function that returns the files that are new or changed since then. */
export async function watchFiles(
  sandbox: Sandbox,
  signal: AbortSignal,
): Promise<() => Promise<ChangedFiles>> {
  const before = new Map((await sandbox.files(signal)).map(({ path, version }) => [path, version]))
  return async () => {
    const files = await sandbox.files(signal)
    const changed = files.filter(({ path, version }) => !isCache(path) && before.get(path) !== version)
    return {
      files: changed.toSorted(comparePaths).map(toReportedFile),
      complete: Math.max(before.size, files.length) < maxListedFiles,
    }
  }
}

function isCache(path: string): boolean {
  return path.startsWith(`${cacheFolder}/`)
}

function comparePaths(a: SandboxFile, b: SandboxFile): number {
  return a.path < b.path ? -1 : 1
}

function toReportedFile({ path, size }: SandboxFile): ReportedFile {
  return { path, size, media_type: findMediaType(path) }
}

const mediaTypes: Readonly<Record<string, string>> = {
  csv: "text/csv",
  gif: "image/gif",
  htm: "text/html",
  html: "text/html",
  jpeg: "image/jpeg",
  jpg: "image/jpeg",
  json: "application/json",
  md: "text/markdown",
  pdf: "application/pdf",
  png: "image/png",
  svg: "image/svg+xml",
  txt: "text/plain",
  webp: "image/webp",
  zip: "application/zip",
}

function findMediaType(path: string): string {
  const extension = /\.(\w+)$/.exec(path)?.[1]?.toLowerCase() ?? ""
  return mediaTypes[extension] ?? "application/octet-stream"
}
