import { isDeepStrictEqual } from "node:util"
import { isJsonObject, type Json, type JsonObject } from "../../../core/json/json.ts"

/** A root that is a plain object, and the rules that it no longer contains. */
export interface PlainRoot {
  readonly schema: JsonObject
  /** Names of properties of which the original requires one set. Empty if it requires no choice. */
  readonly choices: readonly (readonly string[])[]
}

const refusedAtRoot = [
  "$ref",
  "allOf",
  "anyOf",
  "oneOf",
  "enum",
  "const",
  "not",
  "if",
  "then",
  "else",
] as const

/** Maximum levels of branches within branches, and of references that lead to references. */
const mostLevels = 8
/** Maximum number of branches. A schema may refer to itself any number of times. */
const mostBranches = 256

interface Walk {
  readonly root: JsonObject
  branchesLeft: number
}

/** Returns true if a provider that requires a plain object as root would refuse this schema. */
export function hasComposedRoot(schema: JsonObject): boolean {
  return refusedAtRoot.some((keyword) => keyword in schema)
}

/**
 * Returns an object schema without composition at its root that accepts at least all values of the original. The
 * branches' properties become properties of the root. Properties that all alternatives require are required. The tool
 * still checks its input by the original.
 */
export function toPlainRoot(schema: JsonObject): PlainRoot {
  const { properties, required, choices } = flatten(
    schema,
    { root: schema, branchesLeft: mostBranches },
    mostLevels,
  )
  const rest = Object.fromEntries(
    Object.entries(schema).filter(([keyword]) => !refusedAtRoot.some((refused) => refused === keyword)),
  )
  const isClosed = rest.additionalProperties === false && !hasComposedRoot(schema)
  const { additionalProperties: _, ...open } = rest
  return {
    schema: {
      ...(isClosed ? rest : open),
      type: "object",
      properties,
      ...(required.length > 0 && { required }),
    },
    choices,
  }
}

interface Flat {
  readonly properties: JsonObject
  readonly required: readonly string[]
  readonly choices: PlainRoot["choices"]
}

function flatten(schema: JsonObject, walk: Walk, levels: number): Flat {
  const own: Flat = {
    properties: isJsonObject(schema.properties) ? schema.properties : {},
    required: selectStrings(schema.required),
    choices: [],
  }
  if (levels === 0 || walk.branchesLeft-- <= 0) return own
  const flattenInner = (branch: Json) => flatten(isJsonObject(branch) ? branch : {}, walk, levels - 1)
  const referenced = typeof schema.$ref === "string" ? resolve(schema.$ref, walk.root) : null
  const parts = [...(referenced === null ? [] : [referenced]), ...list(schema.allOf)].map(flattenInner)
  const alternatives = [list(schema.anyOf), list(schema.oneOf)].filter((branches) => branches.length > 0)
  return [...parts, ...alternatives.map((branches) => combineEither(branches.map(flattenInner)))].reduce(
    combineBoth,
    own,
  )
}

function combineBoth(left: Flat, right: Flat): Flat {
  return {
    properties: mergeProperties(left.properties, right.properties),
    required: [...new Set([...left.required, ...right.required])],
    choices: [...left.choices, ...right.choices],
  }
}

function combineEither(branches: readonly Flat[]): Flat {
  const [first, ...others] = branches
  const required = (first?.required ?? []).filter((name) =>
    others.every((other) => other.required.includes(name)),
  )
  const choices = branches.map((branch) => branch.required.filter((name) => !required.includes(name)))
  return {
    properties: branches.map((branch) => branch.properties).reduce(mergeProperties, {}),
    required,
    // If an alternative requires nothing more, there is no choice.
    choices: choices.every((names) => names.length > 0) ? choices : [],
  }
}

function mergeProperties(left: JsonObject, right: JsonObject): JsonObject {
  const result: Record<string, Json> = { ...left }
  for (const [name, schema] of Object.entries(right)) {
    const known = Object.hasOwn(result, name) ? result[name] : undefined
    const isSame = known === undefined || known === schema || isDeepStrictEqual(known, schema)
    result[name] = isSame ? schema : combineAlternatives(known, schema)
  }
  return result
}

/** Returns a schema for values that match either schema. A discriminator's constants become one list. */
function combineAlternatives(left: Json, right: Json): Json {
  const constants = [left, right].map(listConstants)
  if (constants.every((values) => values !== null)) return { enum: [...new Set(constants.flat())] }
  const known = isJsonObject(left) && Object.keys(left).length === 1 ? list(left.anyOf) : []
  const before = known.length > 0 ? known : [left]
  return before.some((schema) => isDeepStrictEqual(schema, right)) ? left : { anyOf: [...before, right] }
}

function listConstants(schema: Json): readonly Json[] | null {
  if (!isJsonObject(schema)) return null
  if (schema.const !== undefined) return [schema.const]
  return Array.isArray(schema.enum) ? schema.enum : null
}

/** Resolves a reference within the schema itself, such as `#/$defs/Point`. Null for any other. */
function resolve(reference: string, root: JsonObject): JsonObject | null {
  if (!reference.startsWith("#/")) return null
  let target: Json | undefined = root
  for (const step of reference.slice(2).split("/")) {
    const key = step.replaceAll("~1", "/").replaceAll("~0", "~")
    target = isJsonObject(target) && Object.hasOwn(target, key) ? target[key] : undefined
  }
  return isJsonObject(target) ? target : null
}

function selectStrings(value: Json | undefined): readonly string[] {
  return list(value).filter((item) => typeof item === "string")
}

function list(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : []
}
