import { readFile } from "node:fs/promises"
import { isJsonObject } from "../core/json/json.ts"
import type { CliContext, ProcessContext } from "./cli-context.ts"
import { CliError, describeFailure, UsageError } from "./cli-error.ts"
import { suggestWord } from "./command-words.ts"
import { runChatCommand } from "./commands/chat/chat.ts"
import { runCompletionCommand } from "./commands/completion.ts"
import { runDoctorCommand } from "./commands/doctor.ts"
import { runHeartbeatCommand } from "./commands/headless/heartbeat.ts"
import { runCommand } from "./commands/headless/run.ts"
import { runInitCommand } from "./commands/init/init.ts"
import { runMcpCommand } from "./commands/mcp.ts"
import { approvalActions } from "./commands/operate/approval-actions.ts"
import { createCommand } from "./commands/operate/create-command.ts"
import { sandboxActions } from "./commands/operate/sandbox-actions.ts"
import { runDevCommand } from "./commands/serve/dev.ts"
import { devWorkerName, runDevWorkerCommand } from "./commands/serve/dev-worker.ts"
import { startCommand } from "./commands/serve/start.ts"
import { runStoreCommand } from "./commands/store/store.ts"
import { exitCodes } from "./exit-codes.ts"
import { commandHelp, commandNames, generalHelp, isCommandName } from "./help.ts"
import { escapeOutputs } from "./output/escaped-output.ts"

const commands = {
  init: runInitCommand,
  chat: runChatCommand,
  dev: runDevCommand,
  start: startCommand,
  run: runCommand,
  heartbeat: runHeartbeatCommand,
  sessions: createCommand("sessions"),
  runs: createCommand("runs"),
  approvals: createCommand("approvals", approvalActions),
  waits: createCommand("waits"),
  grants: createCommand("grants"),
  schedules: createCommand("schedules"),
  memory: createCommand("memory"),
  outbox: createCommand("outbox"),
  gateway: createCommand("gateway"),
  tools: createCommand("tools"),
  "tool-sources": createCommand("tool-sources"),
  sandbox: createCommand("sandbox", sandboxActions),
  mcp: runMcpCommand,
  store: runStoreCommand,
  doctor: runDoctorCommand,
  completion: runCompletionCommand,
}

/**
 * Runs one command line and resolves to the exit code. Reports a failure in one line on standard error. Never
 * rejects.
 */
export async function runCli(process: ProcessContext): Promise<number> {
  const context: CliContext = { ...process, ...escapeOutputs(process) }
  try {
    return await dispatch(context)
  } catch (thrown) {
    const verbose = selectOptions(context.argv).includes("--verbose") || Boolean(context.env.DEBUG)
    context.stderr.write(describeFailure(thrown, verbose))
    return thrown instanceof CliError ? thrown.exitCode : exitCodes.failure
  }
}

async function dispatch(context: CliContext): Promise<number> {
  const [command, ...rest] = context.argv
  if (command === undefined) {
    context.stderr.write(generalHelp)
    return exitCodes.usage
  }
  if (command === "--version" || command === "-v") return print(context, `${await readPackageVersion()}\n`)
  const [subject] = rest
  if (command === "help" && subject !== undefined && isCommandName(subject)) {
    return print(context, commandHelp[subject])
  }
  if (command === "--help" || command === "-h" || command === "help") return print(context, generalHelp)
  if (command === devWorkerName) return runDevWorkerCommand({ ...context, argv: rest })
  if (!isCommandName(command)) {
    const kind = command.startsWith("-") ? "option" : "command"
    const hint = suggestWord(command, commandNames)
    throw new UsageError(`unknown ${kind} ${command}${hint} (see agent-gateway --help)`)
  }
  if (selectOptions(rest).some((option) => option === "--help" || option === "-h")) {
    return print(context, commandHelp[command])
  }
  return commands[command]({ ...context, argv: rest })
}

/** Returns the arguments before `--`, which ends the options. */
function selectOptions(argv: readonly string[]): readonly string[] {
  const end = argv.indexOf("--")
  return end === -1 ? argv : argv.slice(0, end)
}

function print(context: CliContext, text: string): number {
  context.stdout.write(text)
  return exitCodes.success
}

async function readPackageVersion(): Promise<string> {
  const manifest: unknown = JSON.parse(await readFile(new URL("../../package.json", import.meta.url), "utf8"))
  return isJsonObject(manifest) ? String(manifest.version) : "unknown"
}
