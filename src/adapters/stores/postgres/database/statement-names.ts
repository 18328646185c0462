/** Returns the name under which connections prepare a statement. Undefined: they plan it at each execution. */
export type NameStatement = (sql: string) => string | undefined

/** Maximum number of statements that a connection prepares, because the server keeps the plan of each. */
export const maxNames = 250

/**
 * Names statements by their text, in the order of their first use. Planning a statement costs the server more than
 * executing it, and a connection plans a named statement only a few times.
 */
export function createStatementNames(): NameStatement {
  const names = new Map<string, string>()
  return (sql) => {
    const known = names.get(sql)
    if (known !== undefined || names.size >= maxNames) return known
    const name = `ai-agent-gateway-${names.size + 1}`
    names.set(sql, name)
    return name
  }
}

/** Names no statement: for a server behind a connection pooler, and for statements that are executed once. */
export const unnamed: NameStatement = () => undefined
