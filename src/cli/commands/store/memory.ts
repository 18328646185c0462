import { parseArgs } from "node:util"
import type { Memory, MemoryKey, MemoryRecord, MemoryScope } from "../../../core/ports/store/memory.ts"
import { openMemory } from "../../../gateway/operate/open-memory.ts"
import type { CliContext } from "../../cli-context.ts"
import { CliError, formatAsLine, parseUsage, UsageError } from "../../cli-error.ts"
import { describeActionProblem } from "../../command-words.ts"
import { exitCodes } from "../../exit-codes.ts"

const options = {
  store: { type: "string" },
  user: { type: "string" },
  tenant: { type: "string" },
  agent: { type: "string" },
  type: { type: "string" },
  all: { type: "boolean" },
  json: { type: "boolean" },
  verbose: { type: "boolean" },
} as const
const commandUsage =
  "usage: agent-gateway memory list --user USER | forget NAME --user USER | forget --all --user USER"
/** Tenant of users if the application names none. */
const defaultTenant = "app_default"
const pageSize = 200

type Options = ReturnType<typeof parseOptions>["values"]

/** `memory list|forget` works on a store, even while a server runs on it. */
export async function runMemoryCommand(context: CliContext): Promise<number> {
  const { values, positionals } = parseUsage("memory", () => parseOptions(context.argv))
  const [action, ...names] = positionals
  const scope = toScope(values)
  if (action !== "list" && action !== "forget") {
    throw new UsageError(`${describeActionProblem("memory", action)}; ${commandUsage}`)
  }
  const refusal = action === "list" ? listRefusal(names, values) : forgetRefusal(names, values)
  if (refusal !== null) throw new UsageError(`${refusal}; ${commandUsage}`)
  const { memory, close } = await openMemory(values.store)
  try {
    return action === "list"
      ? await list(memory, scope, values, context)
      : await forget(memory, scope, names[0], values, context)
  } finally {
    await close()
  }
}

function parseOptions(argv: readonly string[]) {
  return parseArgs({ args: [...argv], allowPositionals: true, options })
}

function toScope({ user, tenant = defaultTenant, agent }: Options): MemoryScope {
  if (user === undefined || user === "") throw new UsageError(`--user is missing; ${commandUsage}`)
  return { tenant, userId: user, agent: agent ?? null }
}

function listRefusal(names: readonly string[], { all, type }: Options): string | null {
  if (names.length > 0) return `unexpected argument ${names[0]}`
  return all === undefined && type === undefined ? null : "list takes no --all and no --type"
}

function forgetRefusal(names: readonly string[], { all = false, json, type }: Options): string | null {
  if (json !== undefined) return "forget takes no --json"
  if (names.length > 1) return `unexpected argument ${names[1]}`
  if (all === (names.length === 1)) return "give a name, or --all for all memories"
  return all && type !== undefined ? "--type goes with a name" : null
}

async function list(
  memory: Memory,
  scope: MemoryScope,
  { json = false }: Options,
  { stdout }: CliContext,
): Promise<number> {
  const memories: MemoryRecord[] = []
  for (let after: MemoryKey | undefined; ; ) {
    const page = await memory.list(scope, { limit: pageSize, ...(after !== undefined && { after }) })
    memories.push(...page.memories)
    if (page.next === null) break
    after = page.next
  }
  if (json) stdout.write(`${JSON.stringify(memories)}\n`)
  else if (memories.length === 0) stdout.write("The user has no memories.\n")
  else for (const each of memories) stdout.write(`${describe(each)}\n`)
  return exitCodes.success
}

async function forget(
  memory: Memory,
  scope: MemoryScope,
  name: string | undefined,
  { type }: Options,
  { stdout }: CliContext,
): Promise<number> {
  const count = await forgetThem(memory, scope, { name, type })
  if (count === 0 && name !== undefined) {
    throw new CliError(
      `the user has no such memory (see agent-gateway memory list --user ${formatAsLine(scope.userId)})`,
    )
  }
  stdout.write(`forgot ${count} ${count === 1 ? "memory" : "memories"}\n`)
  return exitCodes.success
}

async function forgetThem(
  memory: Memory,
  scope: MemoryScope,
  { name, type }: { readonly name: string | undefined; readonly type: string | undefined },
): Promise<number> {
  if (name === undefined) {
    const count = await memory.forgetAll(scope)
    await memory.erase?.()
    return count
  }
  if (type === undefined) return memory.forgetNamed(scope, name)
  return (await memory.forget(scope, { entityType: type, name })) === "forgotten" ? 1 : 0
}

function describe({ entityType, name, content, tags, updatedAt }: MemoryRecord): string {
  const facts = [new Date(updatedAt).toISOString(), ...tags.map((tag) => `#${formatAsLine(tag)}`)]
  return `${formatAsLine(entityType)}/${formatAsLine(name)}  ${facts.join(" ")}\n  ${formatAsLine(content)}`
}
