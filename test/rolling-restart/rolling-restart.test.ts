import { join } from "node:path"
import { beforeAll, expect, test } from "vitest"
import { atEndOfFile } from "../end-to-end/support/on-end.ts"
import { startPostgres } from "../end-to-end/support/postgres.ts"
import { temporaryFolder } from "../end-to-end/support/temporary-folder.ts"
import { patienceMs } from "../patience.ts"
import { playRollingRestart } from "./play.ts"
import { type Build, buildCommit, findCommitBefore, locateWorkingTree } from "./support/build.ts"
import { migrateLater } from "./support/migrate-later.ts"

const timeoutMs = 300_000
const onEnd = atEndOfFile()
let before: Build

beforeAll(async () => {
  before = await buildCommit(await findCommitBefore())
  onEnd(before.remove)
}, timeoutMs)

// The short form of `measure.ts`. The new nodes also migrate the store, as the version after them could.
test.each(["SQLite", "Postgres"])(
  "nodes of the commit before, of both, of this one, and rolled back lose nothing on %s",
  async (kind) => {
    const folder = await temporaryFolder()
    const postgres = kind === "Postgres" ? await startPostgres(onEnd) : null
    const store = (await postgres?.createDatabase("rolling")) ?? join(folder, "data")
    const report = await playRollingRestart({
      from: before,
      to: locateWorkingTree(),
      store,
      folder,
      nodes: 2,
      clients: 4,
      messages: 3,
      whenMixed: () => migrateLater(store),
      withinMs: patienceMs,
    })
    expect(report).toMatchObject({ lost: [], restarts: 4 })
  },
  timeoutMs,
)
