import { spawn } from "node:child_process"
import { once } from "node:events"
import { chmod, writeFile } from "node:fs/promises"
import { join } from "node:path"
import pg from "pg"
import { findFreePort } from "../../../src/testing/fixtures/free-port.ts"
import { eventually } from "../../end-to-end/support/eventually.ts"
import type { OnEnd } from "../../end-to-end/support/on-end.ts"
import { temporaryFolder } from "../../end-to-end/support/temporary-folder.ts"
import { requires } from "../../needs.ts"

/**
 * Starts PgBouncer in transaction mode before the server of this URL, and resolves to the URL through it. `ignores`
 * lists the parameters that it accepts from clients without using them. Default: those of the gateway. Skips the
 * running test without PgBouncer.
 */
export async function startPgBouncer(
  url: string,
  onEnd: OnEnd,
  { ignores = "statement_timeout,lock_timeout,idle_in_transaction_session_timeout" } = {},
): Promise<string> {
  await requires("pgbouncer")
  const { hostname, port: serverPort, username, password, pathname } = new URL(url)
  const [folder, port] = await Promise.all([temporaryFolder(onEnd), findFreePort()])
  const isRoot = process.getuid?.() === 0
  const file = join(folder, "pgbouncer.ini")
  await writeFile(
    file,
    `[databases]
* = host=${hostname} port=${serverPort} user=${username} password=${password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
ignore_startup_parameters = ${ignores}
${isRoot ? "user = nobody" : ""}
`,
  )
  // PgBouncer does not run as root.
  if (isRoot) await Promise.all([chmod(folder, 0o755), chmod(file, 0o644)])
  const bouncer = spawn("pgbouncer", [file], { stdio: "ignore" })
  const exited = once(bouncer, "exit")
  onEnd(async () => {
    bouncer.kill("SIGKILL")
    await exited
  })
  const pooled = new URL(url)
  pooled.port = String(port)
  await eventually("PgBouncer", async () => {
    const client = new pg.Client(`postgres://${username}@127.0.0.1:${port}${pathname}`)
    try {
      await client.connect()
      await client.end()
      return true
    } catch {
      return null
    }
  })
  return pooled.href
}
