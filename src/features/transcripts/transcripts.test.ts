import { mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { appendFile, mkdir, readdir, readFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import type { Event, EventEntry } from "../../core/log/entries.ts"
import { createTranscripts, type TranscriptsOptions } from "./transcripts.ts"

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "transcripts-"))
})
afterEach(() => rmSync(folder, { recursive: true }))

const started: Event = { type: "stepStarted", stepId: "step_1", messageId: "msg_1", step: 1 }
const entry = (seq: number, event: Event = started): EventEntry => {
  return { kind: "event", seq, v: 1, at: 5, runId: "run_1", event }
}
const context = { signal: new AbortController().signal, attempt: 1, handled: () => undefined }

function transcripts(options: Partial<TranscriptsOptions> = {}) {
  const directory = join(folder, "deep", "transcripts")
  const subscriber = createTranscripts({ directory, ...options })
  return {
    directory,
    subscriber,
    write: async (sessionId: string, first: EventEntry, ...others: readonly EventEntry[]) =>
      subscriber.onEvents({ sessionId, entries: [first, ...others] }, context),
    lines: async (name: string) => (await readFile(join(directory, name), "utf8")).split("\n"),
    seqs: async (name: string) =>
      (await readFile(join(directory, name), "utf8"))
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line).seq),
  }
}

describe("transcripts", () => {
  test("have a line for each event, in a private file for each session", async () => {
    const { write, lines, directory } = transcripts()
    await write("sess_a", entry(1), entry(2))
    await write("sess_b", entry(1))
    await write("sess_a", entry(3))
    const [first = "", , third, end] = await lines("sess_a.jsonl")
    expect(JSON.parse(first)).toEqual({
      type: "event",
      id: "sess_a:1",
      sessionId: "sess_a",
      seq: 1,
      at: 5,
      runId: "run_1",
      v: 1,
      event: started,
    })
    expect([JSON.parse(third ?? "").seq, end]).toEqual([3, ""])
    expect(await readdir(directory)).toEqual(["sess_a.jsonl", "sess_b.jsonl"])
    const mode = (path: string) => statSync(path).mode & 0o777
    expect([mode(directory), mode(join(directory, "sess_a.jsonl"))]).toEqual([0o700, 0o600])
  })

  test("have no partial line of a process that died", async () => {
    const { write, seqs, directory } = transcripts()
    await write("sess_a", entry(1))
    for (const torn of ['{"type":"ev', `{"x":"${"y".repeat(200_000)}`]) {
      await appendFile(join(directory, "sess_a.jsonl"), torn)
      await write("sess_a", entry(2))
    }
    expect(await seqs("sess_a.jsonl")).toEqual([1, 2, 2])
    await mkdir(directory, { recursive: true })
    writeFileSync(join(directory, "sess_c.jsonl"), "torn at once")
    await write("sess_c", entry(7))
    expect(await seqs("sess_c.jsonl")).toEqual([7])
  })

  test("are rotated by size, with no line lost", async () => {
    const { write, seqs, directory } = transcripts({ maxBytes: 300 })
    for (let seq = 1; seq <= 7; seq += 1) await write("sess_a", entry(seq))
    const names = await readdir(directory)
    expect(names).toEqual([
      "sess_a.000001.jsonl",
      "sess_a.000002.jsonl",
      "sess_a.000003.jsonl",
      "sess_a.jsonl",
    ])
    expect((await Promise.all(names.map(seqs))).flat()).toEqual([1, 2, 3, 4, 5, 6, 7])
  })

  test.each(["../../escaped", "/etc/passwd", "sess_a/../b", "..", "sess_A", "nul\u0000", "x".repeat(500)])(
    "of the session %j stay in their directory",
    async (sessionId) => {
      const { write, directory } = transcripts()
      await write(sessionId, entry(1))
      expect(await readdir(directory)).toEqual([expect.stringMatching(/^sha256-[\da-f]{64}\.jsonl$/)])
      expect(await readdir(folder)).toEqual(["deep"])
    },
  )

  test("follow no symbolic link, and write to no device", async () => {
    const { write, directory } = transcripts()
    const target = join(folder, "target")
    writeFileSync(target, "")
    symlinkSync(target, join(directory, "sess_a.jsonl"))
    await expect(write("sess_a", entry(1))).rejects.toThrow("ELOOP")
    expect(await readFile(target, "utf8")).toBe("")
    await mkdir(join(directory, "sess_b.jsonl"))
    await expect(write("sess_b", entry(1))).rejects.toThrow("EISDIR")
  })

  test("have no nonces, and are masked like the events for clients", async () => {
    const { write, lines } = transcripts({
      show: (event) => (event.type === "runFailed" ? { ...event, message: "[redacted]" } : event),
    })
    const usage = { inputTokens: 0, outputTokens: 0, cacheCreationInputTokens: 0, cacheReadInputTokens: 0 }
    const failed: Event = { type: "runFailed", code: "a", message: "secret", usage, cost: 0 }
    const opened = { ...started, nonce: "nonce_secret" } as Event
    await write("sess_a", entry(1, failed), entry(2, opened))
    expect((await lines("sess_a.jsonl")).join()).not.toContain("secret")
  })

  test("record where events are missing", async () => {
    const { subscriber, lines } = transcripts()
    await subscriber.onGap({ sessionId: "sess_a", afterSeq: 3 }, context)
    expect(await lines("sess_a.jsonl")).toEqual(['{"type":"gap","sessionId":"sess_a","afterSeq":3}', ""])
  })

  test("are written again after their directory was deleted, and refuse one that cannot be created", async () => {
    const { write, seqs, directory } = transcripts()
    rmSync(directory, { recursive: true })
    await write("sess_a", entry(1))
    expect(await seqs("sess_a.jsonl")).toEqual([1])
    writeFileSync(join(folder, "file"), "")
    expect(() => createTranscripts({ directory: join(folder, "file", "x") })).toThrow("cannot be created")
  })
})
