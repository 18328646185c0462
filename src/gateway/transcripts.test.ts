import { mkdtempSync, rmSync } from "node:fs"
import { readdir, readFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, expect, it } from "vitest"
import { scriptedProvider } from "../testing/provider/scripted-provider.ts"
import { createAgent } from "./create-agent.ts"

const logger = { debug() {}, info() {}, warn() {}, error() {} }
let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "transcripts-"))
})
afterEach(() => rmSync(folder, { recursive: true }))

it("writes the transcript of a run with masked secrets before the gateway is closed", async () => {
  const transcriptDir = join(folder, "transcripts")
  const provider = scriptedProvider([[{ type: "text", text: "The iban: DE12." }]])
  const gateway = createAgent("Hi.", { store: "memory", logger, provider, transcriptDir, redact: ["iban"] })
  const { sessionId } = await gateway.run("Go on. password=hunter2")
  await gateway.close({ graceMs: 0 })
  expect(await readdir(transcriptDir)).toEqual([`${sessionId}.jsonl`])
  const text = await readFile(join(transcriptDir, `${sessionId}.jsonl`), "utf8")
  const events = text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line).event.type)
  expect([events[0], events.at(-1)]).toEqual(["runStarted", "runCompleted"])
  expect(text).not.toMatch(/DE12|hunter2/)
})

it("creates no directory for a gateway that only reads the store", async () => {
  const options = { store: "memory", logger, transcriptDir: join(folder, "transcripts") }
  const gateway = createAgent("Hi.", { ...options, provider: scriptedProvider([]) })
  await gateway.prepare({ idle: true })
  await gateway.close()
  expect(await readdir(folder)).toEqual([])
})
