import pg from "pg"

export interface StatementCount {
  /** Number of statements, `BEGIN` and `COMMIT` included. */
  readonly statements: number
  /** Number of transactions that were committed, and of writing statements outside a transaction. */
  readonly commits: number
}

const writing = /\b(INSERT INTO|UPDATE|DELETE FROM) agent_gateway\./

/** Counts the statements that this process sends to Postgres from now on. Returns a function that reads the count. */
export function startStatementCount(): () => StatementCount {
  let statements = 0
  let commits = 0
  const inTransaction = new WeakSet<pg.Client>()
  const send = pg.Client.prototype.query as (...parameters: unknown[]) => unknown
  pg.Client.prototype.query = function (this: pg.Client, ...parameters: unknown[]) {
    const [query] = parameters as [string | pg.QueryConfig]
    const sql = typeof query === "string" ? query : query.text
    statements += 1
    if (sql === "BEGIN") inTransaction.add(this)
    else if (sql === "COMMIT" || sql === "ROLLBACK") inTransaction.delete(this)
    if (sql === "COMMIT" || (writing.test(sql) && !inTransaction.has(this))) commits += 1
    return send.apply(this, parameters)
  } as typeof pg.Client.prototype.query
  return () => ({ statements, commits })
}
