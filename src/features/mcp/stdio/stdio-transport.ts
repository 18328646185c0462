import type { Writable } from "node:stream"
import { setTimeout as delay } from "node:timers/promises"
import {
  deserializeMessage,
  isJSONRPCNotification,
  type JSONRPCMessage,
  SdkError,
  SdkErrorCode,
  serializeMessage,
  type Transport,
} from "@modelcontextprotocol/client"
import { getDefaultEnvironment } from "@modelcontextprotocol/client/stdio"
import { toError } from "../../../core/errors.ts"
import { followOutput, type OutputTail } from "../../../platform/processes/output-tail.ts"
import { type Exit, type ProcessGroup, spawnGroup } from "../../../platform/processes/process-group.ts"
import type { StdioConfig } from "../config/server-config.ts"
import { createPace } from "../notification-rate.ts"
import { createLineReader } from "./line-reader.ts"

/** Maximum bytes of one message. After a longer one the server is stopped. */
const longestMessage = 32 * 1024 * 1024
/** Milliseconds after the end of its pipes in which a process may end and report a reason. */
const explanationMs = 1_000

/**
 * MCP over the standard streams of a separate process group.
 * https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#stdio
 */
export class StdioTransport implements Transport {
  onclose?: () => void
  onerror?: (error: Error) => void
  onmessage?: (message: JSONRPCMessage) => void
  readonly #config: StdioConfig
  readonly #onStderr: (line: string) => void
  readonly #lines = createLineReader(longestMessage)
  readonly #pace = createPace()
  #starting: Promise<ProcessGroup> | null = null
  #group: ProcessGroup | null = null
  #stderr: OutputTail | null = null
  #exit: Exit | null = null
  #drained: Promise<void> | null = null
  #closing = false
  #ended = false

  constructor(config: StdioConfig, onStderr: (line: string) => void) {
    this.#config = config
    this.#onStderr = onStderr
  }

  /** Reason of the end: the process's exit, and the end of its standard error. */
  get reason(): string {
    if (this.#exit === null) return "the process does not respond"
    const how = "code" in this.#exit ? `with code ${this.#exit.code}` : `by ${this.#exit.signal}`
    const said = this.#stderr?.read() ?? ""
    return `the process ended ${how}${said === "" ? "" : `: ${said}`}`
  }

  async start(): Promise<void> {
    const { command, args, cwd, env } = this.#config
    this.#starting = spawnGroup({ command, args, cwd, env: { ...getDefaultEnvironment(), ...env } })
    const group = await this.#starting
    this.#group = group
    this.#stderr = followOutput(group.stderr, this.#onStderr)
    group.stdout.on("data", (chunk: Buffer) => this.#read(chunk))
    group.stdout.on("error", (error) => this.onerror?.(error))
    void group.ended.then((exit) => {
      this.#exit = exit
      this.#end()
    })
    // A process that has closed its input or its output cannot be used, even if it still runs.
    const explainEnd = async () => {
      await Promise.race([group.ended, delay(explanationMs, undefined, { ref: false })])
      this.#end()
    }
    for (const stream of [group.stdin, group.stdout]) stream.on("close", () => void explainEnd())
  }

  async send(message: JSONRPCMessage): Promise<void> {
    const stdin = this.#group?.stdin
    if (stdin === undefined || !stdin.writable || this.#exit !== null) {
      throw new SdkError(SdkErrorCode.NotConnected, "The server's process has ended.")
    }
    if (stdin.write(serializeMessage(message))) return
    // One listener serves all waiting messages, because Node warns of too many listeners.
    this.#drained ??= waitUntilDrained(stdin).finally(() => {
      this.#drained = null
    })
    await this.#drained
  }

  /** Resolves when no process of the group is left. */
  async close(): Promise<void> {
    this.#closing = true
    // The start may still be in progress. Its failure is reported to the caller of `start`.
    const group = await this.#starting?.catch(() => null)
    await group?.terminate()
  }

  #end(): void {
    if (this.#ended) return
    this.#ended = true
    this.onclose?.()
  }

  #read(chunk: Buffer): void {
    if (this.#closing) return
    let lines: readonly string[]
    try {
      lines = this.#lines.read(chunk)
    } catch (thrown) {
      this.onerror?.(toError(thrown))
      // The boundaries of messages are lost, so the rest would be parsed as garbage.
      void this.close()
      return
    }
    let notifications = 0
    for (const line of lines) if (!this.#closing && this.#take(line) === "notification") notifications += 1
    const ms = this.#pace.spend(notifications)
    if (ms > 0) this.#rest(ms)
  }

  /** Pauses reading. */
  #rest(ms: number): void {
    const { stdout } = this.#group ?? {}
    stdout?.pause()
    setTimeout(() => stdout?.resume(), ms).unref()
  }

  #take(line: string): "notification" | "other" {
    let message: JSONRPCMessage
    try {
      message = deserializeMessage(line)
    } catch (thrown) {
      // A line that is not a message is skipped.
      this.onerror?.(toError(thrown))
      return "other"
    }
    this.onmessage?.(message)
    return isJSONRPCNotification(message) ? "notification" : "other"
  }
}

/** Resolves when a stream accepts more data, or has ended. */
async function waitUntilDrained(stream: Writable): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = () => {
      stream.off("drain", done).off("close", done)
      resolve()
    }
    stream.on("drain", done).on("close", done)
  })
}
