import { listOperationActions, type Parameter } from "./commands/operate/operation-actions.ts"

/** Lines of a help for actions that are more than one operation. */
export interface FurtherHelp {
  readonly usages?: readonly string[]
  readonly actions?: readonly (readonly [word: string, summary: string])[]
  readonly options?: readonly (readonly [option: string, description: string])[]
}

const width = 100

const common: readonly (readonly [string, string])[] = [
  ["--store STORE", "Data directory, or postgres:// URL (default .agent-gateway)"],
  ["--url URL", "Ask the running gateway at this address, as the operator of $AGENT_GATEWAY_OPERATOR_KEY"],
  ["--json", "Print the result as one line of JSON"],
  ["--verbose", "Show the whole error with its stack when something fails"],
]

/** Returns the help of a command whose actions are operations. */
export function createOperationHelp(command: string, about: string, further: FurtherHelp = {}): string {
  const actions = listOperationActions(command)
  const usages = [
    ...actions.map(({ word, positionals }) => [word, ...positionals.map(toUsage)].join(" ")),
    ...(further.usages ?? []),
  ].map((usage) => `agent-gateway ${command} ${usage} [OPTIONS]`)
  const summaries = [
    ...actions.map(({ word, summary }) => [word, summary] as const),
    ...(further.actions ?? []),
  ]
  const options = new Map<string, { readonly words: string[]; readonly parameter: Parameter }>()
  for (const { word, options: own } of actions) {
    for (const parameter of own) {
      const known = options.get(parameter.option)
      if (known === undefined) options.set(parameter.option, { words: [word], parameter })
      else known.words.push(word)
    }
  }
  const particular = [...options.values()].map(({ words, parameter }) => {
    const isForAll = words.length === summaries.length
    return [toOption(parameter), describe(isForAll ? [] : words, parameter)] as const
  })
  return [
    `Usage: ${usages.join("\n       ")}`,
    "",
    ...wrap(about, ""),
    "",
    "Actions:",
    ...summaries.flatMap(([word, summary]) => formatRow(word, summary)),
    "",
    "Options:",
    ...[...particular, ...(further.options ?? []), ...common].flatMap(([option, text]) =>
      formatRow(option, text),
    ),
    "",
    "Exit codes: 0 done, 1 there is no such thing or the command failed, 2 wrong usage.",
    "",
  ].join("\n")
}

function toUsage({ label, kind }: Parameter): string {
  return kind === "list" ? `[${label.replace(/S$/, "")}...]` : label
}

function toOption({ option, label, kind }: Parameter): string {
  if (kind === "flag") return `--${option}`
  return `--${option} ${kind === "json" ? "JSON" : label.replace(/_ID$/, "")}`
}

function describe(words: readonly string[], { description, isRequired }: Parameter): string {
  const text = isRequired ? [description, "required"].filter((part) => part !== "").join("; ") : description
  return [words.join(", "), text].filter((part) => part !== "").join(": ")
}

function formatRow(name: string, text: string): readonly string[] {
  const indent = " ".repeat(21)
  const [first = "", ...others] = wrap(text, indent)
  const head = `  ${name}`.padEnd(21)
  if (head.length > 21 || !head.endsWith(" ")) return [head, first, ...others]
  return [head + first.trimStart(), ...others]
}

/** Breaks the text into lines that start with the indent. */
function wrap(text: string, indent: string): readonly string[] {
  const lines: string[] = []
  let line = ""
  for (const word of text.split(" ")) {
    if (line !== "" && indent.length + line.length + 1 + word.length > width) {
      lines.push(indent + line)
      line = word
    } else line = line === "" ? word : `${line} ${word}`
  }
  return [...lines, indent + line]
}
