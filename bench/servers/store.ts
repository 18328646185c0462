import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createLogger } from "ai-agent-gateway"
import type { DeltaEntry, EventEntry } from "../../src/core/log/entries.ts"
import type { Lease, SessionBatch } from "../../src/core/ports/store/session-log.ts"
import type { StoreResult } from "../measure/store.ts"
import { serveParent } from "../parent.ts"
import { tokenText } from "../script.ts"

/** The store by itself, without a server. The package does not export it, so it is imported from the build. */
const { openSqliteStore }: typeof import("../../src/adapters/stores/sqlite/open.ts") = await import(
  new URL("../../dist/sqlite-store.js", import.meta.url).href
)
const sessions = 50
const deltasPerRow = 10
const path = await mkdtemp(join(tmpdir(), "agent-gateway-bench-"))
const store = await openSqliteStore({
  path,
  clock: { now: () => Date.now() },
  logger: createLogger({ level: "error" }),
})
const log = store.log
const leases: Lease[] = []
for (let index = 0; index < sessions; index++) {
  const id = `sess_${index}`
  await log.createSession({ id, tenant: "bench", userId: "bench", agent: "agent", createdAt: Date.now() })
  const lease = await log.claim(id, ["agent"])
  if (lease === null) throw new Error(`Session ${id} could not be claimed.`)
  leases.push(lease)
}
let seq = 1_000_000_000

serveParent("", {
  answers: {
    async commits({ commits }: { readonly commits: number }): Promise<StoreResult> {
      const first = leases.slice(0, 1)
      return {
        event: await microseconds(commits, () => first.map((lease) => ({ lease, entries: [nextEvent()] }))),
        deltas: await microseconds(Math.ceil(commits / 10), () =>
          leases.map((lease) => ({ lease, entries: Array.from({ length: deltasPerRow }, nextDelta) })),
        ),
      }
    },
  },
  async close() {
    await store.close()
    await rm(path, { recursive: true, force: true })
  },
})

async function microseconds(commits: number, batches: () => readonly SessionBatch[]): Promise<number> {
  const begun = performance.now()
  for (let commit = 0; commit < commits; commit++) await log.commit(batches())
  return ((performance.now() - begun) * 1000) / commits
}

function nextEvent(): EventEntry {
  return {
    kind: "event",
    seq: seq++,
    v: 1,
    at: Date.now(),
    runId: "run_bench",
    event: { type: "stepStarted", stepId: "step_bench", messageId: "msg_bench", step: 1 },
  }
}

function nextDelta(): DeltaEntry {
  const text = tokenText(seq % 200)
  return {
    kind: "delta",
    seq: seq++,
    runId: "run_bench",
    delta: { type: "textDelta", stepId: "step_bench", messageId: "msg_bench", part: 0, text },
  }
}
