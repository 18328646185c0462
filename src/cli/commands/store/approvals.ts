import { parseArgs } from "node:util"
import type { JsonObject } from "../../../core/json/json.ts"
import type { Wait } from "../../../core/ports/store/approvals.ts"
import type { GrantScope } from "../../../core/wait.ts"
import { type OpenedApprovals, openApprovals } from "../../../gateway/operate/open-approvals.ts"
import { parseJsonObject } from "../../arguments.ts"
import type { CliContext } from "../../cli-context.ts"
import { CliError, formatAsLine, parseUsage, UsageError } from "../../cli-error.ts"
import { describeActionProblem } from "../../command-words.ts"
import { exitCodes } from "../../exit-codes.ts"

const common = { store: { type: "string" }, verbose: { type: "boolean" } } as const
/** Options that only some actions have. */
const particular = {
  json: { type: "boolean" },
  "edited-input": { type: "string" },
  content: { type: "string" },
  decline: { type: "boolean" },
  reason: { type: "string" },
  "allow-tool-type": { type: "boolean" },
  scope: { type: "string" },
  nonce: { type: "string" },
  user: { type: "string" },
} as const

type Particular = keyof typeof particular

const optionsOf = {
  list: ["json"],
  approve: ["edited-input", "allow-tool-type", "scope", "nonce", "user"],
  deny: ["reason", "nonce", "user"],
  answer: ["content", "decline", "nonce", "user"],
} as const satisfies Readonly<Record<string, readonly Particular[]>>

type Action = keyof typeof optionsOf
/** Maximum characters of a call's arguments in `list`. `list --json` prints all of them. */
const maxInputCharacters = 100_000
const commandUsage = "usage: agent-gateway approvals list | approve|deny|answer TOOL_CALL_ID"

/** `approvals list|approve|deny|answer` answers the open waits of a store, even while a server runs on it. */
export async function runApprovalsCommand(context: CliContext): Promise<number> {
  const { action, toolCallId, options, scope } = parse(context.argv)
  const approvals = await openApprovals(options.store)
  try {
    const waits = (await approvals.list()).filter(({ kind }) => kind === "approval" || kind === "elicitation")
    if (action === "list") return list(waits, options.json ?? false, context)
    const kind = action === "answer" ? "elicitation" : "approval"
    const wait = waits.find((open) => open.toolCallId === toolCallId && open.kind === kind)
    if (wait === undefined) {
      throw new CliError(
        `no open ${kind} ${toolCallId}: it may be answered or expired (see agent-gateway approvals list)`,
      )
    }
    await requireSeen(approvals, wait, { action, nonce: options.nonce })
    const done = await answer(approvals, wait, action, { ...options, scope })
    context.stdout.write(`${done} ${formatAsLine(wait.toolName)} (${wait.toolCallId})\n`)
    return exitCodes.success
  } finally {
    await approvals.close()
  }
}

/**
 * Throws if the wait may differ from the one that the person has seen in the list: the tool behind a call can change
 * after it was allowed, and then another request has the call's id.
 */
async function requireSeen(
  approvals: OpenedApprovals,
  { sessionId, toolCallId, nonce }: Wait,
  given: { readonly action: Action; readonly nonce: string | undefined },
): Promise<void> {
  if (given.nonce !== undefined) {
    if (given.nonce === nonce) return
    throw new CliError(
      `the request for ${toolCallId} has another nonce now (see agent-gateway approvals list)`,
    )
  }
  if (given.action !== "approve") return
  const audit = await approvals.audit({ sessionId })
  if (!audit.some((record) => record.toolCallId === toolCallId && record.action === "approved")) return
  throw new CliError(
    `${toolCallId} was allowed before and needs a new approval, because its tool changed; ` +
      "check it with agent-gateway approvals list, then approve it with the --nonce that the list shows",
  )
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
    throw new UsageError(`${describeActionProblem("approvals", action)}; ${commandUsage}`)
  }
  const unexpected = action === "list" ? toolCallId : extra
  if (unexpected !== undefined) throw new UsageError(`unexpected argument ${unexpected}; ${commandUsage}`)
  if (action !== "list" && toolCallId === undefined)
    throw new UsageError(`TOOL_CALL_ID is missing; ${commandUsage}`)
  refuseForeign(action, options)
  const scope = options.scope === undefined ? undefined : parseScope(options.scope)
  return { action, toolCallId, options, scope } as const
}

/** Refuses an option without effect on this action, because the person may have meant another action. */
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

/** Answers a wait. Resolves to a description of what was done. */
async function answer(
  approvals: OpenedApprovals,
  wait: Wait,
  action: Exclude<Action, "list">,
  options: Omit<Options, "scope"> & { readonly scope: GrantScope | undefined },
): Promise<string> {
  const { reason, user, decline = false, "allow-tool-type": allowToolType = false } = options
  const by = user === undefined ? {} : { userId: user }
  const scope = options.scope === undefined ? {} : { scope: options.scope }
  const editedInput = parseGiven(options, "edited-input")
  const content = parseGiven(options, "content")
  switch (action) {
    case "approve":
      await approvals.approve(wait, { ...by, allowToolType, ...scope, ...(editedInput && { editedInput }) })
      return "approved"
    case "deny":
      await approvals.deny(wait, { ...by, ...(reason === undefined ? {} : { reason }) })
      return "denied"
    case "answer":
      await approvals.answer(
        wait,
        { action: decline ? "decline" : "accept", ...(content && { content }) },
        by,
      )
      return decline ? "declined" : "answered"
    default:
      return action satisfies never
  }
}

function parseGiven(options: Omit<Options, "scope">, name: "edited-input" | "content"): JsonObject | null {
  const text = options[name]
  return text === undefined ? null : parseJsonObject(text, `--${name}`)
}

function parseScope(scope: string): GrantScope {
  if (scope === "session" || scope === "tree") return scope
  throw new UsageError(`--scope takes session or tree; ${commandUsage}`)
}

function list(waits: readonly Wait[], json: boolean, { stdout }: CliContext): number {
  if (json) stdout.write(`${JSON.stringify(waits)}\n`)
  else if (waits.length === 0) stdout.write("No approval is open.\n")
  else for (const wait of waits) stdout.write(`${describe(wait)}\n`)
  return exitCodes.success
}

function describe(wait: Wait): string {
  const { toolCallId, toolName, userId, sessionId, expiresAt } = wait
  const qualifier = wait.kind === "approval" ? wait.payload.qualifier : null
  const type = formatAsLine(qualifier === null ? toolName : `${toolName} (${qualifier})`)
  return `${toolCallId}  ${type}
  kind     ${wait.kind}
${formatDetails(wait)}
  nonce    ${wait.nonce}
  user     ${formatAsLine(userId)}, session ${sessionId}
  expires  ${new Date(expiresAt).toISOString()}`
}

function formatDetails(wait: Wait): string {
  const server = wait.origin === null ? [] : [`  server   ${formatAsLine(wait.origin.server)}`]
  switch (wait.kind) {
    case "approval": {
      const { input, reason } = wait.payload
      const why = reason === null ? [] : [`  why      ${formatAsLine(reason)}`]
      const shown = formatAsLine(JSON.stringify(input), maxInputCharacters)
      return [`  input    ${shown}`, ...why, ...server].join("\n")
    }
    case "elicitation": {
      const { question } = wait.payload
      const [label, wanted] =
        question.mode === "form" ? ["schema", JSON.stringify(question.schema)] : ["page  ", question.url]
      return [
        ...server,
        `  asks     ${formatAsLine(question.message)}`,
        `  ${label}   ${formatAsLine(wanted)}`,
      ].join("\n")
    }
    case "clientTool":
    case "child":
    case "timer":
      return server.join("\n")
    default:
      return wait satisfies never
  }
}
