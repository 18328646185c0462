import { parseArgs } from "node:util"
import type { Wait } from "../core/ports/approvals.ts"
import { type OpenedApprovals, openApprovals } from "../gateway/open-approvals.ts"
import { parseJsonObject } from "./arguments.ts"
import type { CliContext } from "./cli-context.ts"
import { CliError, oneLine, parseUsage, UsageError } from "./cli-error.ts"
import { exitCodes } from "./exit-codes.ts"

const common = { store: { type: "string" }, verbose: { type: "boolean" } } as const
/** Of one action or another. */
const particular = {
  json: { type: "boolean" },
  input: { type: "string" },
  decline: { type: "boolean" },
  reason: { type: "string" },
  "allow-tool-type": { type: "boolean" },
  user: { type: "string" },
} as const

type Particular = keyof typeof particular

const optionsOf = {
  list: ["json"],
  approve: ["input", "allow-tool-type", "user"],
  deny: ["reason", "user"],
  answer: ["input", "decline", "user"],
} as const satisfies Readonly<Record<string, readonly Particular[]>>

type Action = keyof typeof optionsOf
/** Characters of a call's arguments that `list` prints; `list --json` prints all of them. */
const maxInputCharacters = 100_000
const commandUsage = "usage: agent-gateway approvals list | approve|deny|answer TOOL_CALL_ID"

/** `approvals list|approve|deny|answer`: answers what a store holds open, with or without a server running on it. */
export async function approvalsCommand(context: CliContext): Promise<number> {
  const { action, toolCallId, options } = parse(context.argv)
  const approvals = await openApprovals(options.store)
  try {
    const waits = (await approvals.list()).filter(({ kind }) => kind !== "clientTool")
    if (action === "list") return list(waits, options.json ?? false, context)
    const kind = action === "answer" ? "elicitation" : "approval"
    const wait = waits.find((open) => open.toolCallId === toolCallId && open.kind === kind)
    if (wait === undefined) {
      throw new CliError(
        `no open ${kind} ${toolCallId} (see agent-gateway approvals list; it may be answered or expired)`,
      )
    }
    const done = await answer(approvals, wait, action, options)
    context.stdout.write(`${done} ${oneLine(wait.toolName)} (${wait.toolCallId})\n`)
    return exitCodes.success
  } finally {
    await approvals.close()
  }
}

type Options = ReturnType<typeof parseOptions>["values"]

function parseOptions(argv: readonly string[]) {
  return parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: { ...common, ...particular },
  })
}

function parse(argv: readonly string[]) {
  const { values: options, positionals } = parseUsage("approvals", () => parseOptions(argv))
  const [action, toolCallId, extra] = positionals
  if (!isAction(action)) {
    throw new UsageError(
      `${action === undefined ? "an action is missing" : `unknown action ${action}`}; ${commandUsage}`,
    )
  }
  const unexpected = action === "list" ? toolCallId : extra
  if (unexpected !== undefined) throw new UsageError(`unexpected argument ${unexpected}; ${commandUsage}`)
  if (action !== "list" && toolCallId === undefined)
    throw new UsageError(`TOOL_CALL_ID is missing; ${commandUsage}`)
  refuseForeign(action, options)
  return { action, toolCallId, options } as const
}

/** An option that does nothing with this action may be meant for another one. */
function refuseForeign(action: Action, options: Options): void {
  const own: readonly string[] = optionsOf[action]
  const foreign = Object.keys(particular).filter(
    (name) => Object.hasOwn(options, name) && !own.includes(name),
  )
  if (foreign.length === 0) return
  throw new UsageError(`${action} takes no ${foreign.map((name) => `--${name}`).join(", ")}; ${commandUsage}`)
}

function isAction(text: string | undefined): text is Action {
  return text !== undefined && Object.hasOwn(optionsOf, text)
}

/** Resolves to what was done. */
async function answer(
  approvals: OpenedApprovals,
  wait: Wait,
  action: Exclude<Action, "list">,
  options: Options,
): Promise<string> {
  const { input, reason, user, decline = false, "allow-tool-type": allowToolType = false } = options
  const by = user === undefined ? {} : { userId: user }
  const given = input === undefined ? null : parseJsonObject(input, "--input")
  switch (action) {
    case "approve":
      await approvals.approve(wait, { ...by, allowToolType, ...(given && { input: given }) })
      return "approved"
    case "deny":
      await approvals.deny(wait, { ...by, ...(reason === undefined ? {} : { reason }) })
      return "denied"
    case "answer":
      await approvals.respond(
        wait,
        { action: decline ? "decline" : "accept", ...(given && { content: given }) },
        by,
      )
      return decline ? "declined" : "answered"
    default:
      return action satisfies never
  }
}

function list(waits: readonly Wait[], json: boolean, { stdout }: CliContext): number {
  if (json) stdout.write(`${JSON.stringify(waits)}\n`)
  else if (waits.length === 0) stdout.write("No approval is open.\n")
  else for (const wait of waits) stdout.write(`${describe(wait)}\n`)
  return exitCodes.success
}

function describe(wait: Wait): string {
  const { toolCallId, toolName, qualifier, userId, sessionId, expiresAt } = wait
  const type = oneLine(qualifier === null ? toolName : `${toolName} (${qualifier})`)
  return `${toolCallId}  ${type}
  kind     ${wait.kind}
${detailsOf(wait)}
  user     ${oneLine(userId)}, session ${sessionId}
  expires  ${new Date(expiresAt).toISOString()}`
}

function detailsOf({ input, reason, question, server }: Wait): string {
  const lines = [`  input    ${oneLine(JSON.stringify(input), maxInputCharacters)}`]
  if (reason !== null) lines.push(`  why      ${oneLine(reason)}`)
  if (server !== undefined) lines.push(`  server   ${oneLine(server)}`)
  if (question !== undefined) {
    lines.push(`  asks     ${oneLine(question.message)}`)
    const [label, wanted] =
      question.mode === "form" ? ["schema", JSON.stringify(question.schema)] : ["page  ", question.url]
    lines.push(`  ${label}   ${oneLine(wanted)}`)
  }
  return lines.join("\n")
}
