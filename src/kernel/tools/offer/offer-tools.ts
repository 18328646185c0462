import { isJsonObject, type Json, type JsonObject, nestsTooDeep } from "../../../core/json/json.ts"
import type { ToolSpecification } from "../../../core/ports/model/provider.ts"
import type { ToolRules } from "../../../core/ports/tools/tool-rules.ts"
import { hasComposedRoot, toPlainRoot } from "./plain-root.ts"
import { mapSubschemas } from "./subschemas.ts"

/** The tools that a provider accepts, and their differences from the agent's tools. */
export interface ToolOffer {
  readonly tools: readonly ToolSpecification[]
  readonly changes: readonly ToolChange[]
}

export interface ToolChange {
  readonly tool: string
  /** `changed`: the model sees a reduced form of the tool. `left_out`: the model does not see it. */
  readonly action: "changed" | "left_out"
  /** A sentence for the operator. */
  readonly reason: string
}

/** Names that every known service accepts. */
const legalName = /^[a-zA-Z0-9_-]{1,64}$/
const longestName = 80
const longestDescription = 16_384
/** Maximum bytes of JSON. It is several times the largest schema of any public server seen so far. */
const largestSchema = 128 * 1024
const largestOffer = 1024 * 1024

/**
 * Converts tools into the form that a provider accepts, and leaves out those that it would refuse, because a provider
 * refuses a whole request for one of its tools. The tools keep their order. If there are too many, the last ones are
 * left out.
 */
export function offerTools(tools: readonly ToolSpecification[], rules: ToolRules): ToolOffer {
  const offered: ToolSpecification[] = []
  const changes: ToolChange[] = []
  let size = 0
  for (const tool of tools) {
    const { form, problems } = findAcceptableForm(tool, rules)
    const name = formatName(tool.name)
    if (form === null) {
      changes.push({ tool: name, action: "left_out", reason: problems.join(" ") })
      continue
    }
    const bytes = Buffer.byteLength(JSON.stringify(form))
    const { mostTools = Number.POSITIVE_INFINITY } = rules
    if (offered.length >= mostTools || size + bytes > largestOffer) {
      const limit = offered.length >= mostTools ? `${mostTools} tools` : `${largestOffer} bytes of tools`
      changes.push({ tool: name, action: "left_out", reason: `A request takes at most ${limit}.` })
      continue
    }
    size += bytes
    offered.push(form)
    if (problems.length > 0) changes.push({ tool: name, action: "changed", reason: problems.join(" ") })
  }
  return { tools: offered, changes }
}

/**
 * `form` is null for a tool that cannot be sent. `problems` has the reasons, or the parts that the model does not
 * see.
 */
interface AcceptableForm {
  readonly form: ToolSpecification | null
  readonly problems: readonly string[]
}

function findAcceptableForm(
  { name, description, inputSchema }: ToolSpecification,
  rules: ToolRules,
): AcceptableForm {
  if (!legalName.test(name))
    return createRefusal("Its name is not 1 to 64 letters, digits, underscores or hyphens.")
  if (!isJsonObject(inputSchema)) return createRefusal("Its input schema is not an object.")
  if (nestsTooDeep(inputSchema)) return createRefusal("Its input schema is nested too deeply.")
  const problems: string[] = []
  const current = removeDraft(toCurrentSchema(inputSchema, rules.itemsRequired ?? false))
  let schema = reduceToSize(current)
  if (schema === null) return createRefusal(tooLarge)
  if (schema !== current) problems.push(`Its input schema is shown without descriptions: it is too large.`)
  let hint = ""
  if (rules.plainRoot && hasComposedRoot(schema)) {
    const plain = toPlainRoot(schema)
    schema = plain.schema
    hint = describeChoices(plain.choices)
    problems.push("The alternatives at the root of its input schema are shown to the model as one object.")
  }
  const named = requireLegalProperties(schema, rules.propertyNames)
  if (named === null)
    return createRefusal("Its input schema requires a property whose name the service refuses.")
  if (named !== schema) problems.push("Optional properties whose names the service refuses are not shown.")
  if (!isWithinSize(named)) return createRefusal(tooLarge)
  const most = (rules.longestDescription ?? longestDescription) - hint.length
  const text = truncate(description, most)
  if (text !== description)
    problems.push(`Its description is truncated to ${most} of ${description.length} characters.`)
  return { form: { name, description: text + hint, inputSchema: { ...named, type: "object" } }, problems }
}

function createRefusal(problem: string): AcceptableForm {
  return { form: null, problems: [problem] }
}

const tooLarge = `Its input schema is larger than ${largestSchema} bytes.`

/** Removes the draft, because the provider checks the schema by its own draft. */
function removeDraft({ $schema: _, ...schema }: JsonObject): JsonObject {
  return schema
}

/** Returns the schema if all names are legal. Returns null if it requires an illegal one. */
function requireLegalProperties(schema: JsonObject, legal: RegExp | undefined): JsonObject | null {
  const { properties, required } = schema
  if (legal === undefined || !isJsonObject(properties)) return schema
  const illegal = Object.keys(properties).filter((name) => !legal.test(name))
  if (illegal.length === 0) return schema
  if (Array.isArray(required) && illegal.some((name) => required.includes(name))) return null
  const shown = Object.entries(properties).filter(([name]) => !illegal.includes(name))
  return { ...schema, properties: Object.fromEntries(shown) }
}

/**
 * Returns the schema if it is small enough, otherwise without its explanations. Returns null if that is too large as
 * well.
 */
function reduceToSize(schema: JsonObject): JsonObject | null {
  if (isWithinSize(schema)) return schema
  const bare = removeAnnotations(schema)
  return isWithinSize(bare) ? bare : null
}

function isWithinSize(schema: JsonObject): boolean {
  return Buffer.byteLength(JSON.stringify(schema)) <= largestSchema
}

const annotations: readonly string[] = ["title", "description", "examples", "default", "$comment"]

function removeAnnotations(schema: JsonObject): JsonObject {
  const kept = Object.entries(schema).filter(([keyword]) => !annotations.includes(keyword))
  return mapSubschemas(Object.fromEntries<Json>(kept), removeAnnotations)
}

const mark = "\n[The description is truncated.]"

function truncate(text: string, most: number): string {
  if (text.length <= most) return text
  const kept = text.slice(0, Math.max(0, most - mark.length))
  // Half of a surrogate pair is not a character.
  return `${kept.replace(/[\ud800-\udbff]$/, "")}${mark}`
}

/** With more alternatives, their list would be too long. */
const mostChoices = 8

function describeChoices(choices: readonly (readonly string[])[]): string {
  if (choices.length === 0 || choices.length > mostChoices) return ""
  const sets = choices.map((names) => `(${names.slice(0, mostChoices).join(", ")})`)
  const hint = `\nGive one of these sets of properties: ${sets.join(" or ")}.`
  return hint.length > 256 ? "" : hint
}

/** Returns a name for a message. A name from a server may have any length and content. */
function formatName(name: string): string {
  const escaped = JSON.stringify(name).slice(1, -1)
  return escaped.length > longestName ? `${escaped.slice(0, longestName)}…` : escaped
}

/**
 * Converts a schema into the forms of JSON Schema 2020-12, by which providers check it. Converts tuples of `items`,
 * boolean `exclusiveMinimum` and `exclusiveMaximum`, and drops invalid keywords: `required` that is not a list,
 * `properties` that is not an object.
 *
 * @param itemsRequired If true, an array without `items` gets an empty schema for them, which allows any item.
 */
function toCurrentSchema(schema: JsonObject, itemsRequired: boolean): JsonObject {
  const current: Record<string, Json> = { ...schema }
  if (Array.isArray(current.items)) {
    current.prefixItems = current.items
    current.items = current.additionalItems ?? {}
    delete current.additionalItems
  }
  convertLimit(current, "minimum", "exclusiveMinimum")
  convertLimit(current, "maximum", "exclusiveMaximum")
  if ("required" in current && !Array.isArray(current.required)) delete current.required
  if ("properties" in current && !isJsonObject(current.properties)) delete current.properties
  if (itemsRequired && isArray(current.type) && !isJsonObject(current.items)) current.items = {}
  return mapSubschemas(current, (inner) => toCurrentSchema(inner, itemsRequired))
}

/** Converts a limit. Draft 4 has a flag beside the limit, and later drafts have the limit itself. */
function convertLimit(schema: Record<string, Json>, limit: string, exclusive: string): void {
  if (typeof schema[exclusive] !== "boolean") return
  const value = schema[limit]
  const isExclusive = schema[exclusive] && value !== undefined
  delete schema[exclusive]
  if (!isExclusive) return
  schema[exclusive] = value
  delete schema[limit]
}

function isArray(type: Json | undefined): boolean {
  return type === "array" || (Array.isArray(type) && type.includes("array"))
}
