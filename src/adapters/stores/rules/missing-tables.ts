const change =
  /^(?:CREATE (?:VIRTUAL )?TABLE (?:IF NOT EXISTS )?|(DROP|ALTER) TABLE )(?:agent_gateway\.)?(\w+)(?: RENAME TO (\w+))?/

/**
 * Returns the tables that migrations leave and that the store does not have, for example after an incomplete restore.
 */
export function findMissingTables(
  migrations: readonly (readonly string[])[],
  present: ReadonlySet<string>,
): readonly string[] {
  const tables = new Set<string>()
  for (const statement of migrations.flat()) {
    const [matched, removal, name = "", renamed] = change.exec(statement) ?? []
    if (matched === undefined || (removal === "ALTER" && renamed === undefined)) continue
    if (removal !== undefined) tables.delete(name)
    if (removal === undefined || renamed !== undefined) tables.add(renamed ?? name)
  }
  return [...tables].filter((name) => !present.has(name))
}
