import { expect, test } from "vitest"
import type { ExitStatus, Sandbox } from "../../../core/ports/tools/sandbox.ts"
import type { ImageLimits } from "./images.ts"
import { type CodeRun, startCode } from "./run-code.ts"

const exited: ExitStatus = { type: "exit", exitCode: 0, reason: "exited" }

interface Execution {
  readonly output?: string
  readonly exit?: ExitStatus
  /** Files that the code writes, with their content by path. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>
}

/** Returns a sandbox for one execution that has no files before it. */
function sandboxOf({ output = "", exit = exited, files = {} }: Execution): Sandbox {
  let ran = false
  return {
    async *exec() {
      yield { type: "output", stream: "stdout", bytes: Buffer.from(output) }
      ran = true
      yield exit
    },
    async files() {
      if (!ran) return []
      return Object.entries(files).map(([path, data]) => ({ path, size: data.length, version: "1" }))
    },
    async readFile(path) {
      const data = Buffer.from(files[path] ?? "")
      return {
        size: data.length,
        content: (async function* () {
          yield data
        })(),
      }
    },
    async writeFile() {},
  }
}

async function ran(execution: Execution, imageLimits: Partial<ImageLimits> = {}): Promise<CodeRun["record"]> {
  const { ended, record } = startCode({
    sandbox: sandboxOf(execution),
    request: { host: "docker", language: "shell", code: "", timeoutMs: 1_000 },
    maxOutputBytes: 10_000,
    imageLimits: { maxImages: 8, maxImageBytes: 3.5 * 1024 * 1024, ...imageLimits },
    signal: new AbortController().signal,
    onOutput() {},
  })
  await ended
  return record
}

const numbered = (count: number, nameOf: (index: number) => string, data: string | Uint8Array = "x") =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [nameOf(index), data]))

/** A GIF of one pixel. */
const gif = Buffer.from("R0lGODlhAQABAAAAACwAAAAAAQABAAACAkwBADs=", "base64")

test("a report stays within its limit, with file names of any length", async () => {
  const record = await ran({
    output: "x".repeat(5_000),
    files: numbered(100, (index) => `${index}-${"ü".repeat(2_000)}.png`),
    exit: {
      ...exited,
      removed: { count: 20, paths: Object.keys(numbered(20, (n) => `${n}${"ü".repeat(2_000)}`)) },
    },
  })
  for (const maxBytes of [50_000, 2_000]) {
    expect(Buffer.byteLength(JSON.stringify(record.report(maxBytes)))).toBeLessThanOrEqual(maxBytes)
  }
  const report = record.report(50_000)
  expect(report.files.length).toBeGreaterThan(2)
  expect(report.files_omitted).toBe(100 - report.files.length)
  expect(report).toMatchObject({ truncated: true, files_removed: { count: 20 } })
  expect(record.report(1_000_000)).toMatchObject({ truncated: false, files: { length: 100 } })
})

test("a result shows as many images as the options allow, and none that is larger", async () => {
  const files = numbered(3, (index) => `${index}.gif`, gif)
  const few = (await ran({ files }, { maxImages: 1 })).report(100_000)
  expect(few.images).toHaveLength(1)
  expect(few.images_omitted?.images[0]?.reason).toBe("A result shows at most 1 images.")
  const small = (await ran({ files }, { maxImageBytes: gif.length - 1 })).report(100_000)
  expect(small.images).toEqual([])
  expect(small.images_omitted?.images[0]?.reason).toBe(
    `It has ${gif.length} bytes; an image may have at most ${gif.length - 1}.`,
  )
})

test("files past the hundredth are counted, and the result says that it is truncated", async () => {
  const all = (await ran({ files: numbered(100, String) })).report(100_000)
  expect(all).toMatchObject({ truncated: false, files: { length: 100 } })
  expect(all).not.toHaveProperty("files_omitted")
  const more = (await ran({ files: numbered(103, String) })).report(100_000)
  expect(more).toMatchObject({ truncated: true, files: { length: 100 }, files_omitted: 3 })
})

test("a listing that stops at its bound makes the result truncated", async () => {
  const report = (await ran({ files: numbered(10_000, String) })).report(100_000)
  expect(report).toMatchObject({ truncated: true, files_omitted: 9_900 })
})

test("images that are not shown are named with the reason", async () => {
  const wide = Buffer.from(gif)
  wide.writeUInt16LE(9_000, 6)
  const record = await ran({
    files: {
      "a.png": "no image",
      "b.gif": new Uint8Array(4 * 1024 * 1024),
      "c.gif": wide,
      "c.svg": "<svg></svg>",
      ...numbered(9, (index) => `d${index}.gif`, gif),
    },
  })
  const report = record.report(100_000)
  expect(report.images).toHaveLength(8)
  expect(record.images()).toHaveLength(8)
  expect(report.images_omitted?.count).toBe(5)
  const reasons = report.images_omitted?.images.map(({ path, reason }) => `${path}: ${reason}`)
  expect(reasons).toEqual([
    "a.png: It is not a complete PNG, JPEG, GIF or WebP image.",
    "b.gif: It has 4194304 bytes; an image may have at most 3670016.",
    "c.gif: It has 9000 x 1 pixels; a side may have at most 8000.",
    "c.svg: It is an SVG image, which models cannot see. Save it as PNG as well.",
    "d8.gif: A result shows at most 8 images.",
  ])
  expect((await ran({ files: { "a.gif": gif } })).report(100_000)).not.toHaveProperty("images_omitted")
})

test("files of the folder .cache are not listed", async () => {
  const report = (
    await ran({ files: { ".cache/matplotlib/fontlist-v390.json": "{}", "a.txt": "text" } })
  ).report(100_000)
  expect(report.files).toMatchObject([{ path: "a.txt" }])
})

test("an image is shown even if a hundred other files precede it", async () => {
  const report = (
    await ran({ files: { ...numbered(120, (index) => `${index}.csv`), "plot.gif": gif } })
  ).report(100_000)
  expect(report.images).toEqual([{ path: "plot.gif", media_type: "image/gif" }])
})

test("files that were deleted because of the disk quota are named", async () => {
  const removed = { count: 30, paths: ["junk.bin"] }
  const report = (await ran({ exit: { ...exited, reason: "diskFull", removed } })).report(100_000)
  expect(report).toMatchObject({ ended_by: "disk_full", files_removed: removed })
})
