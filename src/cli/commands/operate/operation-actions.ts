import { z } from "zod"
import type { AnyOperation } from "../../../operations/operation.ts"
import { type OperationName, operations } from "../../../operations/operations.ts"

/** The words after a command on the command line: `list` in `sessions list`, with its arguments and options. */
export interface ActionWords {
  readonly word: string
  readonly input: z.ZodObject
  /** Members of the input that are arguments without an option, in order. The last one may be a list. */
  readonly positionals: readonly Parameter[]
  /** Members of the input that are options. */
  readonly options: readonly Parameter[]
}

/** An operation as an action of a command: `sessions list` is `sessions.list`. */
export interface OperationAction extends ActionWords {
  readonly name: OperationName
  readonly summary: string
}

/** A member of an input. */
export interface Parameter {
  readonly member: string
  /** Name of the option, without dashes. */
  readonly option: string
  /** Its name in the usage: SESSION_ID. */
  readonly label: string
  readonly kind: "flag" | "text" | "number" | "list" | "json"
  readonly isRequired: boolean
  readonly description: string
}

/** Members that are arguments without an option, beside those in the path of the route. */
const ownPositionals: { readonly [Name in OperationName]?: string } = {
  "memory.forget": "name",
  "outbox.retry": "numbers",
  "outbox.drop": "numbers",
}

/** Returns the operations of the group of a command, except those whose input has several forms. */
export function listOperationActions(command: string): readonly OperationAction[] {
  return (Object.entries(operations) as [OperationName, AnyOperation][]).flatMap(([name, operation]) => {
    const { input, route, summary } = operation
    const [group = "", action = ""] = name.split(".")
    if (toWords(group) !== command || !(input instanceof z.ZodObject)) return []
    const inPath = [...route.matchAll(/\{(\w+)\}/g)].map(([, member = ""]) => member)
    const positionals = [...inPath, ...[ownPositionals[name] ?? []].flat()]
    return [{ name, summary, ...describeWords(toWords(action), input, positionals) }]
  })
}

/** Returns the action of a word whose arguments are the members of the input. */
export function describeWords(word: string, input: z.ZodObject, positionals: readonly string[]): ActionWords {
  const parameters = listParameters(input)
  return {
    word,
    input,
    positionals: positionals.flatMap((name) => parameters.filter(({ member }) => member === name)),
    options: parameters.filter(({ member }) => !positionals.includes(member)),
  }
}

function listParameters(input: z.ZodObject): readonly Parameter[] {
  const { properties = {}, required = [] } = z.toJSONSchema(input, { io: "input", unrepresentable: "any" })
  return Object.entries(properties).map(([member, schema]) => {
    const { type, description = "", enum: values = [] } = typeof schema === "object" ? schema : {}
    const words = toWords(member)
    return {
      member,
      option: words.replace(/-id$/, ""),
      label: words.replaceAll("-", "_").toUpperCase(),
      kind: toKind([type].flat()),
      isRequired: required.includes(member),
      description: [description, values.join(", ")].filter((part) => part !== "").join(": "),
    }
  })
}

function toKind(types: readonly unknown[]): Parameter["kind"] {
  if (types.includes("boolean")) return "flag"
  if (types.includes("array")) return "list"
  if (types.includes("integer") || types.includes("number")) return "number"
  return types.includes("string") ? "text" : "json"
}

/** `toolSources` is `tool-sources` on the command line. */
function toWords(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}
