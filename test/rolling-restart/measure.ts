import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { startEmbeddedPostgres } from "../../src/testing/fixtures/embedded-postgres.ts"
import { playRollingRestart, type RollingRestartReport } from "./play.ts"
import { type Build, buildCommit, findCommitBefore, locateWorkingTree } from "./support/build.ts"
import { migrateLater } from "./support/migrate-later.ts"

/**
 * Restarts nodes from one commit to another and back, under load, on both stores. Fails if a client loses anything:
 * `npm run test:rolling-restart -- --from COMMIT --to COMMIT`.
 */
const { values } = parseArgs({
  options: {
    /** Default: the commit before the newest change of the sources. */
    from: { type: "string" },
    /** Default: this folder, as it was built. */
    to: { type: "string" },
    clients: { type: "string", default: "30" },
    nodes: { type: "string", default: "3" },
    /** Number of messages of each client between two restarts. */
    messages: { type: "string", default: "20" },
    /** `sqlite` or `postgres`. Default: both. */
    store: { type: "string" },
    /** If set, the store is also migrated as the version after `to` could, once nodes of both commits serve. */
    "migrate-later": { type: "boolean", default: false },
  },
})
const stores = values.store === undefined ? ["sqlite", "postgres"] : [values.store]
const stepMs = 300_000

const from = await buildCommit(values.from ?? (await findCommitBefore()))
const to = values.to === undefined ? locateWorkingTree() : await buildCommit(values.to)
let lost = 0
try {
  for (const store of stores) lost += await measure(store, from, to)
} finally {
  await Promise.all([from.remove(), to.remove()])
}
process.stdout.write(lost === 0 ? "Passed: 0 lost\n" : `FAILED: ${lost} lost\n`)
process.exitCode = lost === 0 ? 0 : 1

/** Resolves to the number of losses. Keeps the folder with the log of the nodes if there are any. */
async function measure(store: string, from: Build, to: Build): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "agent-gateway-rolling-restart-"))
  const postgres = store === "postgres" ? await startEmbeddedPostgres({ waitsForDisk: true }) : null
  const address = postgres === null ? join(folder, "data") : postgres.urlOf("postgres")
  try {
    const report = await playRollingRestart({
      from,
      to,
      store: address,
      folder,
      nodes: Number(values.nodes),
      clients: Number(values.clients),
      messages: Number(values.messages),
      ...(values["migrate-later"] && { whenMixed: () => migrateLater(address) }),
      onStep: (step) => process.stdout.write(`${store}: ${step}\n`),
      withinMs: stepMs,
    })
    process.stdout.write(`${store}: ${describe(report)}\n`)
    for (const each of report.lost) process.stdout.write(`  ${each}\n`)
    if (report.lost.length === 0) await rm(folder, { recursive: true, force: true, maxRetries: 20 })
    else process.stdout.write(`  The log of the nodes is in ${folder}\n`)
    return report.lost.length
  } finally {
    await postgres?.server.stop()
  }
}

function describe({ messages, approvals, histories, restarts, lost }: RollingRestartReport): string {
  return (
    `${restarts} restarts from ${from.name} to ${to.name} and back, ${messages} messages, ` +
    `${approvals} approvals, ${histories} histories, ${lost.length} lost`
  )
}
