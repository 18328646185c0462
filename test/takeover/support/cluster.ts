import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Client } from "pg"
import { type DatabaseServer, startDatabaseServer } from "./database-server.ts"
import { type NodeProcess, startNode } from "./node-process.ts"

/** One started execution of a tool. */
export interface Start {
  readonly node: string
  readonly tool: "charge" | "reserve"
  readonly sessionId: string
  readonly toolCallId: string
  /** Milliseconds since the Unix epoch. */
  readonly at: number
}

/** A session in the database. */
export interface SessionRow {
  readonly id: string
  readonly owner: string | null
  readonly epoch: number
  readonly takeovers: number
  readonly hasOpenRun: boolean
}

/** Three gateways on one database, and direct access to the database. */
export interface Cluster {
  readonly database: DatabaseServer
  readonly nodes: readonly NodeProcess[]
  /** Starts a run through this node. Resolves to the session's id. */
  startRun(node: NodeProcess, round: string): Promise<string>
  /** Lets the runs of the round end. */
  release(round: string): Promise<void>
  starts(sessions: readonly string[]): Promise<readonly Start[]>
  rows(sessions: readonly string[]): Promise<readonly SessionRow[]>
  /** Resolves to the number of calls that the log of these sessions attributes to a crash. */
  crashes(sessions: readonly string[]): Promise<number>
  /** Starts a new node in place of a killed one. */
  replace(node: NodeProcess): Promise<void>
  stop(): Promise<void>
}

export async function startCluster(name: string): Promise<Cluster> {
  const folder = await mkdtemp(join(tmpdir(), "agent-gateway-takeover-"))
  const database = await startDatabaseServer()
  const store = database.url
  let count = 0
  const start = () => startNode({ name: `${name}-${++count}`, folder, store })
  const nodes = [await start(), await start(), await start()]
  const client = new Client({ connectionString: store })
  await client.connect()

  return {
    database,
    nodes,
    async startRun({ url }, round) {
      const opened = await post(`${url}/api/chat/init`, { api_key: "key" })
      const { session_id, session_token } = (await opened.json()) as Record<string, string>
      const chat = await post(`${url}/api/chat`, { message: round }, session_token)
      await chat.body?.cancel()
      return session_id ?? ""
    },
    release: (round) => writeFile(join(folder, `release-${round}`), ""),
    async starts(sessions) {
      const text = await readFile(join(folder, "starts.jsonl"), "utf8").catch(() => "")
      const lines = text.split("\n").slice(0, -1)
      const all: Start[] = lines.map((line) => JSON.parse(line))
      return all.filter(({ sessionId }) => sessions.includes(sessionId))
    },
    async rows(sessions) {
      const { rows } = await client.query(
        `SELECT id, owner, epoch::integer, takeovers, active_run IS NOT NULL AS "hasOpenRun"
         FROM agent_gateway.session WHERE id = ANY($1)`,
        [sessions],
      )
      return rows
    },
    async crashes(sessions) {
      const { rows } = await client.query(
        `SELECT count(*)::integer AS count FROM agent_gateway.entry
         WHERE session_id = ANY($1) AND type = 'toolCallInterrupted'
           AND body::json->>'reason' = 'crashed' AND body::json->>'stoppedInOrder' = 'false'`,
        [sessions],
      )
      return rows[0].count
    },
    async replace(node) {
      nodes[nodes.indexOf(node)] = await start()
    },
    async stop() {
      await Promise.all(nodes.map((node) => node.kill()))
      await client.end()
      await database.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function post(url: string, body: object, token?: string): Promise<Response> {
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...authorization },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`)
  return response
}
