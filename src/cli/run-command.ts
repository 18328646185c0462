import { addAbortSignal, type Readable } from "node:stream"
import type { GatewayRunResult } from "../gateway/gateway.ts"
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
  const { file, task, json } = parseRunArguments(context.argv)
  const message = task === "-" ? await readTask(addAbortSignal(context.signal, context.stdin)) : task
  const gateway = await loadAgent(file, context)
  try {
    await gateway.prepare({ mode: "run", env: context.env })
    const result = await gateway.run(message, {
      signal: context.signal,
      ...(!json && { onText: (text) => context.stdout.write(text) }),
    })
    if (json) context.stdout.write(`${JSON.stringify(result)}\n`)
    else if (result.response !== "" && !result.response.endsWith("\n")) context.stdout.write("\n")
    return report(result, context)
  } finally {
    await gateway.close()
  }
}

function report(result: GatewayRunResult, { signal, stderr }: CliContext): number {
  if (result.outcome === "completed" && result.reason !== "max_turns") return exitCodes.success
  if (signal.aborted) return interruption(signal)
  const reason = result.error === null ? result.reason : `${result.error.message} (${result.error.code})`
  stderr.write(`agent-gateway: run ${result.outcome}${reason === null ? "" : `: ${oneLine(reason)}`}\n`)
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
