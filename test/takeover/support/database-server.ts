import { readdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import { startEmbeddedPostgres } from "../../../src/testing/fixtures/embedded-postgres.ts"

/** A separate Postgres server whose processes can be paused. */
export interface DatabaseServer {
  readonly url: string
  /** Pauses every process of the server, as on a machine that hangs. Connections stay open. */
  pause(): Promise<void>
  resume(): Promise<void>
  stop(): Promise<void>
}

export async function startDatabaseServer(): Promise<DatabaseServer> {
  const { server, databaseDir, urlOf } = await startEmbeddedPostgres({ waitsForDisk: true })
  const postmaster = Number((await readFile(join(databaseDir, "postmaster.pid"), "utf8")).split("\n")[0])
  let paused: readonly number[] = []
  return {
    url: urlOf("postgres"),
    async pause() {
      // The process that starts the others comes first.
      process.kill(postmaster, "SIGSTOP")
      paused = [postmaster, ...(await childrenOf(postmaster))]
      for (const pid of paused) process.kill(pid, "SIGSTOP")
    },
    async resume() {
      for (const pid of paused.toReversed()) process.kill(pid, "SIGCONT")
      paused = []
    },
    stop: () => server.stop(),
  }
}

async function childrenOf(parent: number): Promise<readonly number[]> {
  const pids = (await readdir("/proc")).map(Number).filter(Number.isInteger)
  const parents = await Promise.all(pids.map(parentOf))
  return pids.filter((_, index) => parents[index] === parent)
}

async function parentOf(pid: number): Promise<number | null> {
  // The name in parentheses may contain spaces. The process may end in the meantime.
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => null)
  return stat === null ? null : Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1])
}
