import { once } from "node:events"
import { addAbortSignal } from "node:stream"
import type { CliContext } from "../../cli-context.ts"
import { UsageError } from "../../cli-error.ts"
import type { RunArguments } from "./run-arguments.ts"

/** Maximum bytes of standard input. */
const maxBytes = 1024 * 1024
/**
 * Milliseconds in which input that was not requested must begin. Some programs start others with a pipe that they
 * neither use nor close.
 */
const patienceMs = 3_000

type Input = Pick<CliContext, "stdin" | "stderr" | "signal">

/**
 * Returns the message of a run: the task, and after it the text that was piped in, as in `run FILE "TASK" < notes.txt`.
 * Throws a `UsageError` if that text is too long, or is not text.
 */
export async function readMessage(
  { task, takesInput }: Pick<RunArguments, "task" | "takesInput">,
  input: Input,
): Promise<string> {
  if (task === "-") return readTask(input)
  if (!takesInput && (input.stdin.isTTY === true || !(await begins(input)))) return task
  const text = await readText(input, "the input on stdin")
  return text === "" ? task : `${task}\n\n<stdin>\n${text}\n</stdin>`
}

async function readTask(input: Input): Promise<string> {
  const task = await readText(input, "the task on stdin")
  if (task !== "") return task
  throw new UsageError('the task on stdin is empty; usage: agent-gateway run FILE "TASK"')
}

/** Resolves to true when the input begins or ends. Resolves to false, with a notice, if it does neither in time. */
async function begins({ stdin, stderr, signal }: Input): Promise<boolean> {
  const late = AbortSignal.timeout(patienceMs)
  const ending = new AbortController()
  const options = { signal: AbortSignal.any([signal, late, ending.signal]) }
  try {
    const begun = Promise.race([once(stdin, "readable", options), once(stdin, "end", options)])
    // Without a read, an empty input does not end.
    stdin.read(0)
    await begun
    return true
  } catch (thrown) {
    if (signal.aborted || !late.aborted) throw thrown
    stderr.write(
      `agent-gateway: stdin is a pipe without data for ${patienceMs / 1_000} seconds, so the task runs without it. ` +
        'To wait for it: run FILE "TASK" -. To ignore it at once: < /dev/null.\n',
    )
    return false
  } finally {
    ending.abort()
  }
}

/** Reads standard input to its end. `what` names it in error messages. */
async function readText({ stdin, signal }: Input, what: string): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of addAbortSignal(signal, stdin)) {
    const buffer = Buffer.from(chunk)
    bytes += buffer.length
    if (bytes > maxBytes) throw new UsageError(`${what} is longer than ${maxBytes} bytes.`)
    chunks.push(buffer)
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks)).trim()
  } catch {
    throw new UsageError(`${what} is not UTF-8 text.`)
  }
}
