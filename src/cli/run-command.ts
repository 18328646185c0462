import { readFile } from "node:fs/promises"
import { resolve } from "node:path"
import { addAbortSignal, type Readable } from "node:stream"
import { toError } from "../core/errors.ts"
import { isJsonObject, type JsonObject } from "../core/json.ts"
import type { GatewayRunResult } from "../gateway/gateway.ts"
import { answerPrinter } from "./answer-printer.ts"
import { parseRunArguments } from "./arguments.ts"
import type { CliContext } from "./cli-context.ts"
import { oneLine, UsageError } from "./cli-error.ts"
import { exitCodeOfSignal, exitCodes } from "./exit-codes.ts"
import { loadAgent } from "./load-agent.ts"

const maxTaskBytes = 1024 * 1024

/** `run FILE "TASK"`: one run without a server. Its outcome is the exit code. */
export async function runCommand(context: CliContext): Promise<number> {
  try {
    return await runTask(context)
  } catch (thrown) {
    if (context.signal.aborted) return interruption(context.signal)
    throw thrown
  }
}

async function runTask(context: CliContext): Promise<number> {
  const { file, task, json, demo, output } = parseRunArguments(context.argv)
  const schema = output === null ? null : await readSchema(output, context.cwd)
  const message = task === "-" ? await readTask(addAbortSignal(context.signal, context.stdin)) : task
  const gateway = await loadAgent(file, context)
  try {
    await gateway.prepare({ env: context.env, ...(!demo && { mode: "run" }) })
    const printer = answerPrinter(context)
    const result = await gateway.run(message, {
      signal: context.signal,
      ...(schema !== null && { output: schema }),
      ...(!json && schema === null && { onText: printer.onText, onRetry: printer.onRetry }),
    })
    if (json) context.stdout.write(`${JSON.stringify(result)}\n`)
    else if (schema !== null) printOutput(result, context)
    else printer.end()
    return report(result, context)
  } finally {
    await gateway.close()
  }
}

function printOutput({ output }: GatewayRunResult<JsonObject>, { stdout }: CliContext): void {
  if (output !== null) stdout.write(`${JSON.stringify(output)}\n`)
}

async function readSchema(file: string, cwd: string): Promise<JsonObject> {
  let schema: unknown
  try {
    schema = JSON.parse(await readFile(resolve(cwd, file), "utf8"))
  } catch (thrown) {
    throw new UsageError(`--output ${file}: ${toError(thrown).message}`)
  }
  if (!isJsonObject(schema)) throw new UsageError(`--output ${file}: a JSON Schema is an object.`)
  return schema
}

function report(result: GatewayRunResult<JsonObject>, { signal, stderr }: CliContext): number {
  if (result.outcome === "completed" && result.reason !== "max_turns") return exitCodes.success
  if (signal.aborted) return interruption(signal)
  const reason = result.error === null ? result.reason : `${result.error.message} (${result.error.code})`
  stderr.write(`agent-gateway: run ${result.outcome}${reason === null ? "" : `: ${oneLine(reason)}`}\n`)
  if (result.reason === "budget") return exitCodes.budget
  return result.reason === "max_turns" ? exitCodes.maxTurns : exitCodes.failure
}

function interruption(signal: AbortSignal): number {
  return exitCodeOfSignal(signal.reason === "SIGTERM" ? "SIGTERM" : "SIGINT")
}

async function readTask(stdin: Readable): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of stdin) {
    const buffer = Buffer.from(chunk)
    bytes += buffer.length
    if (bytes > maxTaskBytes) throw new UsageError(`the task on stdin is longer than ${maxTaskBytes} bytes.`)
    chunks.push(buffer)
  }
  const task = Buffer.concat(chunks).toString("utf8").trim()
  if (task === "") throw new UsageError("the task on stdin is empty.")
  return task
}
