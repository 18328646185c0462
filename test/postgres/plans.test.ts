import pg from "pg"
import { afterAll, beforeAll, expect, test, vi } from "vitest"
import { delivery } from "../../src/features/delivery/plugin.ts"
import { createAgent } from "../../src/gateway/create-agent.ts"
import { tool } from "../../src/kernel/tools/local-tool.ts"
import { scriptedProvider } from "../../src/testing/provider/scripted-provider.ts"
import { quiet } from "../contract/gateway-under-test.ts"
import { atEndOfFile } from "../end-to-end/support/on-end.ts"
import { startPostgres } from "../end-to-end/support/postgres.ts"
import { patienceMs } from "../patience.ts"

const onEnd = atEndOfFile()
const sent = new Map<string, readonly unknown[]>()
let operator: pg.Client

beforeAll(async () => {
  const postgres = await startPostgres(onEnd)
  const store = await postgres.createDatabase("plans")
  operator = new pg.Client(store)
  await operator.connect()
  onEnd(() => operator.end())
  const original = pg.Client.prototype.query as (...args: unknown[]) => unknown
  vi.spyOn(pg.Client.prototype, "query").mockImplementation(function (this: pg.Client, ...args: unknown[]) {
    const [query] = args as [string | pg.QueryConfig<unknown[]>]
    if (typeof query !== "string" && query.name !== undefined) sent.set(query.text, query.values ?? [])
    return original.apply(this, args)
  } as never)
  await talk(store)
  await operator.query("SET plan_cache_mode = force_generic_plan")
  for (const [number, sql] of [...sent.keys()].entries()) {
    await operator.query(`PREPARE statement_${number} AS ${sql}`)
    await explain(createExecution(number, sql))
  }
})
afterAll(() => vi.restoreAllMocks())

/** Executes runs with a tool, an approval, a delivery and a hook, so that every statement of a turn is sent. */
async function talk(store: string): Promise<void> {
  const delivered = vi.fn()
  const gateway = createAgent("You look.", {
    provider: scriptedProvider(({ messages }) =>
      messages.at(-1)?.role === "tool"
        ? [{ type: "text", text: "Done" }]
        : [{ type: "toolCall", name: "look", input: {} }],
    ),
    tools: [
      tool({ name: "look", description: "Looks.", inputSchema: { type: "object" }, execute: () => "A" }),
    ],
    onEvent: () => undefined,
    plugins: [delivery({ onComplete: delivered })],
    store,
    logger: quiet,
    validApiKeys: ["key"],
  })
  const { sessionId } = await gateway.run("Look.")
  await gateway.run("Look again.", { sessionId })
  await vi.waitFor(() => expect(delivered).toHaveBeenCalledTimes(2), { timeout: patienceMs })
  await gateway.close()
}

/** Adds ended runs in sessions of their own, until there are this number of sessions. */
async function fill(sessions: number): Promise<void> {
  const { rows } = await operator.query("SELECT count(*)::int AS count FROM agent_gateway.session")
  await operator.query(
    `INSERT INTO agent_gateway.session (id, tenant, user_id, agent, created_at, last_used_at)
     SELECT 'sess_' || md5(n::text), 'tenant', 'user_' || n % 1000, 'agent', 0, 0
     FROM generate_series(${rows[0].count}, ${sessions} - 1) AS n`,
  )
  await operator.query(
    `INSERT INTO agent_gateway.run (id, session_id, cursor, state)
     SELECT 'run_' || id, id, 0, 'completed' FROM agent_gateway.session ON CONFLICT DO NOTHING`,
  )
  await operator.query(
    `INSERT INTO agent_gateway.entry (session_id, seq, v, at, run_id, type, body)
     SELECT id, seq, 2, 0, '', 'stepStarted', '{}' FROM agent_gateway.session, generate_series(1, 3) AS seq
     ON CONFLICT DO NOTHING`,
  )
  await operator.query(
    `INSERT INTO agent_gateway.command (session_id, run_id, type, body, due_at)
     SELECT id, 'run_' || id, 'message', '{}', NULL FROM agent_gateway.session
     WHERE NOT EXISTS (SELECT FROM agent_gateway.command WHERE command.session_id = session.id)`,
  )
  await operator.query("ANALYZE")
}

interface Plan {
  readonly "Node Type": string
  readonly "Relation Name"?: string
  readonly Plans?: readonly Plan[]
}

/** Returns the execution of a prepared statement, whose plan does not depend on the values. */
function createExecution(number: number, sql: string): string {
  const places = new Set(sql.match(/\$\d+/g))
  return `EXECUTE statement_${number} (${[...places].map(() => "NULL").join(", ")})`
}

/** Returns the tables that a statement reads as a whole. */
async function explain(sql: string, values?: readonly unknown[]): Promise<readonly string[]> {
  const { rows } = await operator.query(`EXPLAIN (FORMAT JSON) ${sql}`, values && [...values])
  const scans = ({ Plans = [], ...plan }: Plan): string[] => [
    ...(plan["Node Type"] === "Seq Scan" ? [plan["Relation Name"] ?? ""] : []),
    ...Plans.flatMap(scans),
  ]
  return scans(rows[0]["QUERY PLAN"][0].Plan)
}

/** The tables that grow with the number of sessions. The gateway may read the others as a whole. */
const grown = new Set(["session", "run", "entry", "command"])

// The statements were first planned when the tables were empty.
test.each([3_000, 11_000, 50_000])(
  "no statement of a turn reads a whole table of %i sessions",
  async (sessions) => {
    await fill(sessions)
    const scanning: string[] = []
    for (const [number, [sql, values]] of [...sent].entries()) {
      // A connection plans a statement for its values first, and later once for all values.
      const scans = [...(await explain(sql, values)), ...(await explain(createExecution(number, sql)))]
      if (scans.some((table) => grown.has(table))) scanning.push(`${scans.join(", ")}: ${sql}`)
    }
    expect(scanning).toEqual([])
    expect([...sent.keys()].join()).toContain("INSERT INTO agent_gateway.entry")
  },
)
