/** The part of a JSON Schema 2020-12 document that the gateway's OpenAPI document uses. */
interface Schema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | Schema
  readonly items?: Schema
  readonly oneOf?: readonly Schema[]
  readonly anyOf?: readonly Schema[]
  readonly allOf?: readonly Schema[]
}

export interface OpenApiDocument {
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> }
}

/**
 * The components of each generated file. A component that they refer to is generated into the first file that needs
 * it.
 */
const files: Readonly<Record<string, readonly string[]>> = {
  "content.ts": ["TextBlock", "ImageBlock", "Usage"],
  "chat-event.ts": ["ChatEvent"],
  "messages.ts": [
    ...["ChatRequest", "History", "InitResponse", "Problem", "Sessions", "Task", "UserTokenResponse"],
    ...["ToolApprovalRequest", "ElicitationRequest", "ToolResultRequest"],
  ],
}

const header = "// Generated from the OpenAPI document by scripts/generate-client-types.ts. Do not edit.\n"

/** Returns the source texts of the client's wire types by file name, unformatted. */
export function wireTypes({ components: { schemas } }: OpenApiDocument): Readonly<Record<string, string>> {
  const homes = new Map<string, string>()
  const sources = Object.entries(files).map(([file, roots]) => {
    const names = reachable(roots, schemas).filter((name) => !homes.has(name))
    for (const name of names) homes.set(name, file)
    const declarations = names.map((name) => declaration(name, schemas))
    const imports = importsOf(declarations.join(""), file, homes)
    return [file, [header, ...imports, ...declarations].join("\n")] as const
  })
  return Object.fromEntries(sources)
}

function declaration(name: string, schemas: OpenApiDocument["components"]["schemas"]): string {
  const schema = schemas[name] as Schema
  return `${comment(schema.description)}export type ${name} = ${typeOf(schema)}\n`
}

function importsOf(source: string, file: string, homes: ReadonlyMap<string, string>): readonly string[] {
  const used = [...homes].filter(([name, home]) => home !== file && new RegExp(`\\b${name}\\b`).test(source))
  const byHome = Map.groupBy(used, ([, home]) => home)
  return [...byHome].map(([home, names]) => {
    const list = names.map(([name]) => name).toSorted()
    return `import type { ${list.join(", ")} } from "./${home}"\n`
  })
}

function reachable(
  roots: readonly string[],
  schemas: OpenApiDocument["components"]["schemas"],
): readonly string[] {
  const names = new Set(roots)
  for (const name of names) {
    const schema = schemas[name]
    if (schema === undefined) throw new Error(`The OpenAPI document has no component ${name}.`)
    for (const [, reference = ""] of JSON.stringify(schema).matchAll(/"\$ref":"([^"]+)"/g)) {
      names.add(nameOf(reference))
    }
  }
  return [...names].sort()
}

function nameOf(reference: string): string {
  return reference.slice(reference.lastIndexOf("/") + 1)
}

function typeOf(schema: Schema): string {
  if (schema.$ref !== undefined) return nameOf(schema.$ref)
  // A description beside a reference is written as an `allOf`.
  if (schema.allOf !== undefined) return intersection(schema.allOf)
  if (schema.enum !== undefined) return union(schema.enum.map((value) => JSON.stringify(value)))
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  const alternatives = schema.oneOf ?? schema.anyOf
  // If an object has properties of its own, its alternatives only state which properties occur together.
  if (alternatives !== undefined && schema.properties === undefined) return union(alternatives.map(typeOf))
  const types = [schema.type ?? []].flat()
  return types.length === 0 ? "unknown" : union(types.map((type) => simpleType(type, schema)))
}

function simpleType(type: string, schema: Schema): string {
  switch (type) {
    case "string":
    case "boolean":
    case "null":
      return type
    case "integer":
    case "number":
      return "number"
    case "array":
      return `readonly (${typeOf(schema.items ?? {})})[]`
    case "object":
      return objectType(schema)
    default:
      throw new Error(`The generator does not know the type ${type}.`)
  }
}

function objectType({ properties = {}, required = [], additionalProperties = {} }: Schema): string {
  const entries = Object.entries(properties)
  if (entries.length === 0) {
    const values = typeof additionalProperties === "boolean" ? {} : additionalProperties
    return `Readonly<Record<string, ${typeOf(values)}>>`
  }
  const members = entries.map(([name, schema]) => {
    const [mark, absent] = required.includes(name) ? ["", ""] : ["?", " | undefined"]
    return `${comment(schema.description)}readonly ${name}${mark}: ${typeOf(schema)}${absent}`
  })
  const object = `{\n${members.join("\n")}\n}`
  return additionalProperties === true ? `${object} & Readonly<Record<string, unknown>>` : object
}

function intersection(schemas: readonly Schema[]): string {
  return schemas
    .map(typeOf)
    .filter((type) => type !== "unknown")
    .join(" & ")
}

function union(types: readonly string[]): string {
  return [...new Set(types)].join(" | ")
}

function comment(description: string | undefined): string {
  return description === undefined ? "" : `/** ${description} */\n`
}
