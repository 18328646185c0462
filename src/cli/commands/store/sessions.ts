import { parseArgs } from "node:util"
import { formatDirectoryCursor, parseDirectoryCursor } from "../../../core/directory-cursor.ts"
import {
  type DirectoryPage,
  type ListedRun,
  type ListedSession,
  maxDirectoryPage,
  type SessionState,
} from "../../../core/ports/store/directory.ts"
import { type OpenedSessions, openSessions } from "../../../gateway/operate/open-sessions.ts"
import type { CliContext, TextStyle } from "../../cli-context.ts"
import { CliError, formatAsLine, parseUsage, UsageError } from "../../cli-error.ts"
import { describeActionProblem } from "../../command-words.ts"
import { exitCodes } from "../../exit-codes.ts"
import { type Cell, printTable } from "../../output/table.ts"

const commandUsage = "usage: agent-gateway sessions list | show SESSION_ID"
const states: readonly SessionState[] = ["idle", "queued", "running", "waiting", "unserved"]
/** Options of `list` only. */
const filters = {
  agent: { type: "string" },
  state: { type: "string" },
  tenant: { type: "string" },
  user: { type: "string" },
  after: { type: "string" },
  limit: { type: "string" },
} as const

/** `sessions list|show` shows the content of a store, even while a server runs on it. */
export async function runSessionsCommand(context: CliContext): Promise<number> {
  const request = parse(context.argv)
  const { store, json = false } = request.options
  const sessions = await openSessions(store)
  try {
    if (request.action === "list") return await list(sessions, request.query, { ...context, json })
    return await show(sessions, request.sessionId, { ...context, json })
  } finally {
    await sessions.close()
  }
}

function parse(argv: readonly string[]) {
  const { values: options, positionals } = parseUsage("sessions", () =>
    parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        store: { type: "string" },
        json: { type: "boolean" },
        verbose: { type: "boolean" },
        ...filters,
      },
    }),
  )
  const [action, sessionId, extra] = positionals
  if (action !== "list" && action !== "show") {
    throw new UsageError(`${describeActionProblem("sessions", action)}; ${commandUsage}`)
  }
  const unexpected = action === "list" ? sessionId : extra
  if (unexpected !== undefined) throw new UsageError(`unexpected argument ${unexpected}; ${commandUsage}`)
  if (action === "list") return { action, options, query: queryOf(options) } as const
  const foreign = Object.keys(filters).filter((name) => Object.hasOwn(options, name))
  if (foreign.length > 0) {
    throw new UsageError(`show takes no ${foreign.map((name) => `--${name}`).join(", ")}; ${commandUsage}`)
  }
  if (sessionId === undefined) throw new UsageError(`SESSION_ID is missing; ${commandUsage}`)
  return { action, options, sessionId } as const
}

type FilterValues = { readonly [Name in keyof typeof filters]?: string | undefined }

function queryOf({ agent, state, tenant, user, after, limit = "50" }: FilterValues) {
  const known = states.find((each) => each === state)
  if (state !== undefined && known === undefined) {
    throw new UsageError(`--state must be one of ${states.join(", ")}, but it is ${state}`)
  }
  if (user !== undefined && tenant === undefined) {
    throw new UsageError("--user requires --tenant, because a user belongs to a tenant")
  }
  const position = after === undefined ? undefined : parseDirectoryCursor(after)
  if (position === null) throw new UsageError("--after must be the position that the previous page printed")
  const count = /^\d{1,3}$/.test(limit) ? Number(limit) : 0
  if (count < 1 || count > maxDirectoryPage) {
    throw new UsageError(`--limit must be a number from 1 to ${maxDirectoryPage}, but it is ${limit}`)
  }
  return {
    ...(agent !== undefined && { agents: [agent] }),
    ...(known !== undefined && { states: [known] }),
    ...(tenant !== undefined && (user === undefined ? { tenant } : { principal: { tenant, userId: user } })),
    ...(position !== undefined && { after: position }),
    limit: count,
  }
}

type Printing = CliContext & { readonly json: boolean }

async function list(
  sessions: OpenedSessions,
  query: ReturnType<typeof queryOf>,
  { stdout, json }: Printing,
): Promise<number> {
  const page = await readFullPage(sessions, query)
  const next = page.next === null ? null : formatDirectoryCursor(page.next)
  if (json) stdout.write(`${JSON.stringify({ sessions: page.items, next })}\n`)
  else {
    printTable(stdout, page.items.map(toRow))
    if (page.items.length === 0) stdout.write("No session matches.\n")
    if (next !== null) stdout.write(`More sessions follow: add --after ${next}\n`)
  }
  return exitCodes.success
}

/** Reads until the page is full, if more sessions follow, because a person needs sessions and not a position. */
async function readFullPage(
  sessions: OpenedSessions,
  query: ReturnType<typeof queryOf>,
): Promise<DirectoryPage<ListedSession>> {
  const items: ListedSession[] = []
  let page = await sessions.list(query)
  items.push(...page.items)
  while (page.next !== null && items.length < query.limit) {
    page = await sessions.list({ ...query, after: page.next, limit: query.limit - items.length })
    items.push(...page.items)
  }
  return { items, next: page.next }
}

async function show(
  sessions: OpenedSessions,
  sessionId: string,
  { stdout, json }: Printing,
): Promise<number> {
  const session = await sessions.get(sessionId)
  if (session === null) throw new CliError(`there is no session ${sessionId} in this store`)
  const { items: runs } = await sessions.runs({ sessionId, limit: 20 })
  if (json) stdout.write(`${JSON.stringify({ ...session, runs })}\n`)
  else stdout.write(`${describe(session, runs)}\n`)
  return exitCodes.success
}

const stateStyles: Partial<Record<SessionState, TextStyle>> = {
  running: "green",
  waiting: "yellow",
  unserved: "red",
}

function toRow({ id, state, agent, tenant, userId, lastUsedAt }: ListedSession): readonly Cell[] {
  const style = stateStyles[state]
  const shownState = style === undefined ? state : { text: state, style }
  return [id, shownState, agent, `${tenant}/${userId}`, `used ${formatTime(lastUsedAt)}`]
}

function describe(session: ListedSession, runs: readonly ListedRun[]): string {
  const { parent, revokedAt } = session
  const facts = [
    ["agent", formatAsLine(session.agent)],
    ["state", session.state],
    ["user", `${formatAsLine(session.userId)}, tenant ${formatAsLine(session.tenant)}`],
    ["created", formatTime(session.createdAt)],
    ["used", formatTime(session.lastUsedAt)],
    ...(revokedAt === null ? [] : [["revoked", formatTime(revokedAt)]]),
    ...(parent === null
      ? []
      : [
          ["parent", `${formatAsLine(parent.sessionId)}, run ${formatAsLine(parent.runId)}`],
          ["root", formatAsLine(session.rootId)],
        ]),
    ["stored", `${session.storedBytes} bytes`],
    ...runs.map(({ id, state, createdAt }) => [
      "run",
      `${formatAsLine(id)}  ${state.padEnd(11)}  ${formatTime(createdAt)}`,
    ]),
  ]
  const lines = facts.map(([name = "", value = ""]) => `  ${name.padEnd(8)} ${value}`)
  return [formatAsLine(session.id), ...lines].join("\n")
}

function formatTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}
