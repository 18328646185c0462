import type { Schema } from "./schema-versions.ts"

const creation = /^CREATE (?:VIRTUAL )?TABLE (?:agent_gateway\.)?(\w+)/

/** Returns the tables of the schema that the store does not have, for example after an incomplete restore. */
export function findMissingTables(
  { tables, migrations }: Pick<Schema, "tables" | "migrations">,
  present: ReadonlySet<string>,
): readonly string[] {
  return [...tables, ...migrations.flat()]
    .flatMap((statement) => creation.exec(statement)?.[1] ?? [])
    .filter((name) => !present.has(name))
}
