import { parseArgs } from "node:util"
import type { z } from "zod"
import type { OperationInput, OperationName } from "../../../operations/operations.ts"
import { parseUsage, UsageError } from "../../cli-error.ts"
import { describeActionProblem } from "../../command-words.ts"
import type { CommandName } from "../../help.ts"
import type { ActionWords, Parameter } from "./operation-actions.ts"

/** The input of an operation. The schema of the action has checked it. */
export type AnyInput = OperationInput<OperationName>

const common = {
  store: { type: "string" },
  url: { type: "string" },
  json: { type: "boolean" },
  verbose: { type: "boolean" },
} as const

type Given = string | boolean | undefined

/** Finds the action that the arguments name, and reads its input. Throws a `UsageError` if it cannot. */
export function parseAction<Action extends ActionWords>(
  command: CommandName,
  actions: readonly Action[],
  argv: readonly string[],
) {
  const particular = Object.fromEntries(
    actions.flatMap(({ options }) =>
      options.map(({ option, kind }) => [option, { type: kind === "flag" ? "boolean" : "string" }] as const),
    ),
  )
  const { values, positionals } = parseUsage(command, () =>
    parseArgs({ args: [...argv], allowPositionals: true, options: { ...particular, ...common } }),
  )
  const { store, url, json = false, verbose: _, ...others } = values
  const given: Readonly<Record<string, Given>> = others
  const [word, ...texts] = positionals
  const see = `(see agent-gateway ${command} --help)`
  const action = actions.find((each) => each.word === word)
  if (action === undefined) throw new UsageError(`${describeActionProblem(command, word)} ${see}`)
  const foreign = Object.keys(given).filter((name) => !action.options.some(({ option }) => option === name))
  if (foreign.length > 0)
    throw new UsageError(`${word} takes no ${foreign.map((option) => `--${option}`).join(", ")} ${see}`)
  const unexpected = action.positionals.at(-1)?.kind === "list" ? undefined : texts[action.positionals.length]
  if (unexpected !== undefined) throw new UsageError(`unexpected argument ${unexpected} ${see}`)
  return { action, store, url, json, input: readInput(action, texts, given) }
}

/** Throws a `UsageError` that names the argument that the schema refuses. */
function readInput(
  { input, positionals, options }: ActionWords,
  texts: readonly string[],
  given: Readonly<Record<string, Given>>,
): AnyInput {
  const members: Record<string, unknown> = {}
  for (const [index, { member, kind }] of positionals.entries()) {
    const own = kind === "list" ? texts.slice(index) : texts[index]
    if (own !== undefined && own.length > 0) members[member] = readValue(kind, own)
  }
  for (const { member, option, kind } of options) {
    const value = given[option]
    if (value === undefined) continue
    const read = readValue(kind, value)
    if (read === undefined) throw new UsageError(`--${option} must be JSON, such as {"name":"Ada"}`)
    members[member] = read
  }
  const { data, error } = input.safeParse(members)
  if (error !== undefined) throw new UsageError(describeIssue(error, { positionals, options, members }))
  return data as AnyInput
}

/** Returns undefined for a text that is not JSON where JSON is needed. What is no number stays a text. */
function readValue(kind: Parameter["kind"], value: string | true | false | readonly string[]): unknown {
  if (typeof value === "boolean") return value
  if (typeof value !== "string") return value.map(readNumber)
  if (kind === "number") return readNumber(value)
  if (kind !== "json") return value
  try {
    return JSON.parse(value)
  } catch {
    return undefined
  }
}

function readNumber(text: string): number | string {
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text
}

interface Refused extends Pick<ActionWords, "positionals" | "options"> {
  readonly members: Readonly<Record<string, unknown>>
}

function describeIssue({ issues: [issue] }: z.ZodError, { positionals, options, members }: Refused): string {
  const isSame = ({ member }: Parameter) => member === issue?.path[0]
  const option = options.find(isSame)
  const parameter = option ?? positionals.find(isSame)
  if (parameter === undefined) return issue?.message ?? "The arguments are not valid."
  const name = option === undefined ? parameter.label : `--${parameter.option}`
  const isMissing = members[parameter.member] === undefined && parameter.isRequired
  return isMissing ? `${name} is missing` : `${name}: ${issue?.message}`
}
