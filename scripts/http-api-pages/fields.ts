import { referenceOf, type Schema } from "./document.ts"
import { code, plain, table } from "./markdown.ts"

/** Returns a table of the fields of an object, those of nested objects included, or a text about the schema. */
export function describeSchema(schema: Schema): string {
  const rows = fieldRows(schema, "")
  if (rows.length === 0) return `${typeOf(schema)}${boundsOf(schema)}.`
  return table(["field", "type", "", "description"], rows)
}

/** Returns the type, as links to the components and code for the rest. */
export function typeOf(schema: Schema): string {
  const name = referenceOf(schema)
  if (name !== undefined) return `[${name}](${schemaLink(name)})`
  if (schema.enum !== undefined) return schema.enum.map((value) => code(JSON.stringify(value))).join(", ")
  if (schema.const !== undefined) return code(JSON.stringify(schema.const))
  const alternatives = schema.oneOf ?? schema.anyOf
  if (alternatives !== undefined && schema.properties === undefined) {
    return [...new Set(alternatives.map(typeOf))].join(" or ")
  }
  if (schema.type === "array") return `array of ${typeOf(schema.items ?? {})}`
  const types = [schema.type ?? "any"].flat()
  const format = schema.format === undefined ? "" : ` (${schema.format})`
  return `${types.map(code).join(" or ")}${format}`
}

/** Returns the bounds and the default of a value, with a comma before each. */
export function boundsOf(schema: Schema): string {
  const { minLength, maxLength, minimum, maximum, minItems, maxItems, pattern } = schema
  const range = (least: number | undefined, most: number | undefined, unit: string) => {
    if (least === undefined && most === undefined) return ""
    if (most === undefined) return least === 1 && unit !== "" ? ", not empty" : `, at least ${least}${unit}`
    return least === undefined ? `, at most ${most}${unit}` : `, ${least} to ${most}${unit}`
  }
  const fallback = schema.default === undefined ? "" : `, default ${code(JSON.stringify(schema.default))}`
  const form = pattern === undefined ? "" : `, matches ${code(pattern)}`
  const sizes = [
    range(minLength, maxLength, " characters"),
    range(minimum, maximum, ""),
    range(minItems, maxItems, " items"),
  ]
  return `${sizes.join("")}${form}${fallback}`
}

function schemaLink(name: string): string {
  return name === "ChatEvent" ? "events.md" : `schemas.md#${name.toLowerCase()}`
}

function fieldRows(schema: Schema, prefix: string): readonly (readonly string[])[] {
  if (referenceOf(schema) !== undefined && prefix !== "") return []
  if (schema.type === "array") return fieldRows(schema.items ?? {}, `${prefix}[]`)
  const own = Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const path = prefix === "" ? name : `${prefix}.${name}`
    const presence = schema.required?.includes(name) ? "required" : "optional"
    const row = [code(path), typeOf(field) + boundsOf(field), presence, plain(field.description ?? "")]
    return [row, ...fieldRows(field, path)]
  })
  return [...own, ...alternativeRows(schema, prefix)]
}

/** Returns the fields of all alternatives. A field that only some of them have names these. */
function alternativeRows(schema: Schema, prefix: string): readonly (readonly string[])[] {
  const alternatives = (schema.oneOf ?? schema.anyOf ?? []).filter((each) => each.properties !== undefined)
  const rows = alternatives.flatMap((each) =>
    fieldRows(each, prefix).map((row) => ({ row, label: labelOf(each), key: row.join("|") })),
  )
  return [...Map.groupBy(rows, ({ key }) => key).values()].map((same) => {
    const [path = "", type = "", presence = "", description = ""] = same[0]?.row ?? []
    const labels = same.flatMap(({ label }) => label ?? [])
    if (same.length === alternatives.length || labels.length === 0) return [path, type, presence, description]
    return [path, type, presence, `Only with ${labels.join(" or ")}. ${description}`.trim()]
  })
}

/** Returns the field that tells an alternative from the others, with its value. */
function labelOf({ properties = {} }: Schema): string | undefined {
  for (const name of ["type", "kind"]) {
    const value = properties[name]?.const ?? properties[name]?.enum?.[0]
    if (value !== undefined) return `${code(name)} ${code(JSON.stringify(value))}`
  }
  return undefined
}
