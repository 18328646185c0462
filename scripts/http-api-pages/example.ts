import { resolveSchema, type Schema, type Schemas } from "./document.ts"

/** Returns a value that fits the schema: its example, or one made of the examples of its parts. */
export function exampleOf(schema: Schema, schemas: Schemas): unknown {
  const own = resolveSchema(schema, schemas)
  if (own.example !== undefined) return own.example
  if (own.default !== undefined) return own.default
  if (own.const !== undefined) return own.const
  if (own.enum !== undefined) return own.enum[0]
  if (own.properties !== undefined) {
    const entries = Object.entries(own.properties)
    return Object.fromEntries(entries.map(([name, field]) => [name, exampleOf(field, schemas)]))
  }
  const [alternative] = own.oneOf ?? own.anyOf ?? []
  if (alternative !== undefined) return exampleOf(alternative, schemas)
  return exampleOfType(own, schemas)
}

function exampleOfType(schema: Schema, schemas: Schemas): unknown {
  const types = [schema.type ?? []].flat()
  if (types.includes("null")) return null
  switch (types[0]) {
    case "array":
      return [exampleOf(schema.items ?? {}, schemas)]
    case "boolean":
      return true
    case "integer":
    case "number":
      return schema.minimum ?? 1
    case "object":
      return {}
    default:
      return schema.format === "date-time" ? "2026-11-23T07:00:00Z" : "…"
  }
}
