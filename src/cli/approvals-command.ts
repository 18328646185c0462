import { parseArgs } from "node:util"
import { toError } from "../core/errors.ts"
import { isJsonObject, type JsonObject } from "../core/json.ts"
import type { Wait } from "../core/ports/approvals.ts"
import { type OpenedApprovals, openApprovals } from "../gateway/open-approvals.ts"
import type { CliContext } from "./cli-context.ts"
import { CliError, oneLine, UsageError } from "./cli-error.ts"
import { exitCodes } from "./exit-codes.ts"

const commandUsage = "usage: agent-gateway approvals list | approve TOOL_CALL_ID | deny TOOL_CALL_ID"

/** `approvals list|approve|deny`: answers what a store holds open, with or without a server running on it. */
export async function approvalsCommand(context: CliContext): Promise<number> {
  const { action, toolCallId, options } = parse(context.argv)
  const approvals = await openApprovals({ store: options.store })
  try {
    const waits = (await approvals.list()).filter(({ kind }) => kind === "approval")
    if (action === "list") return list(waits, options.json ?? false, context)
    const wait = waits.find((open) => open.toolCallId === toolCallId)
    if (wait === undefined) {
      throw new CliError(
        `no open approval ${toolCallId} (see agent-gateway approvals list; it may be answered or expired)`,
      )
    }
    await answer(approvals, wait, action, options)
    context.stdout.write(
      `${action === "approve" ? "approved" : "denied"} ${wait.toolName} (${wait.toolCallId})\n`,
    )
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
    options: {
      store: { type: "string" },
      json: { type: "boolean" },
      input: { type: "string" },
      reason: { type: "string" },
      "allow-tool-type": { type: "boolean" },
      user: { type: "string" },
      verbose: { type: "boolean" },
    },
  })
}

function parse(argv: readonly string[]) {
  const { values: options, positionals } = usage(() => parseOptions(argv))
  const [action, toolCallId, extra] = positionals
  if (action !== "list" && action !== "approve" && action !== "deny") {
    throw new UsageError(
      `${action === undefined ? "an action is missing" : `unknown action ${action}`}; ${commandUsage}`,
    )
  }
  const unexpected = action === "list" ? toolCallId : extra
  if (unexpected !== undefined) throw new UsageError(`unexpected argument ${unexpected}; ${commandUsage}`)
  if (action !== "list" && toolCallId === undefined)
    throw new UsageError(`TOOL_CALL_ID is missing; ${commandUsage}`)
  return { action, toolCallId, options } as const
}

function usage<Parsed>(parsing: () => Parsed): Parsed {
  try {
    return parsing()
  } catch (thrown) {
    throw new UsageError(`${toError(thrown).message} (see agent-gateway approvals --help)`)
  }
}

async function answer(
  approvals: OpenedApprovals,
  wait: Wait,
  action: "approve" | "deny",
  options: Options,
): Promise<void> {
  const { input, reason, user, "allow-tool-type": allowToolType = false } = options
  const by = user === undefined ? {} : { userId: user }
  if (action === "deny") return approvals.deny(wait, { ...by, ...(reason === undefined ? {} : { reason }) })
  return approvals.approve(wait, {
    ...by,
    allowToolType,
    ...(input === undefined ? {} : { input: parseInput(input) }),
  })
}

function parseInput(text: string): JsonObject {
  try {
    const input: unknown = JSON.parse(text)
    if (isJsonObject(input)) return input
  } catch {
    // Told below, like any other value that is no object.
  }
  throw new UsageError("--input must be a JSON object.")
}

function list(waits: readonly Wait[], json: boolean, { stdout }: CliContext): number {
  if (json) stdout.write(`${JSON.stringify(waits)}\n`)
  else if (waits.length === 0) stdout.write("No approval is open.\n")
  else for (const wait of waits) stdout.write(`${describe(wait)}\n`)
  return exitCodes.success
}

function describe({
  toolCallId,
  toolName,
  qualifier,
  input,
  reason,
  userId,
  sessionId,
  expiresAt,
}: Wait): string {
  const type = qualifier === null ? toolName : `${toolName} (${qualifier})`
  const why = reason === null ? "" : `\n  why      ${oneLine(reason)}`
  return `${toolCallId}  ${type}
  input    ${oneLine(JSON.stringify(input))}${why}
  user     ${userId}, session ${sessionId}
  expires  ${new Date(expiresAt).toISOString()}`
}
