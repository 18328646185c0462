import { setTimeout as delay } from "node:timers/promises"
import { randomIds } from "../../core/ids.ts"
import type {
  CodeLanguage,
  ExecEvent,
  ExitStatus,
  ReadOnlyFolder,
  Sandbox,
  Sandboxes,
  SandboxName,
  SandboxSession,
} from "../../core/ports/tools/sandbox.ts"

/** A backend under test. Its limits: 64 MB of memory, 64 processes, 32 MB and 1 500 entries of disk. */
export interface SandboxHarness {
  readonly sandboxes: Sandboxes
  readonly host: SandboxName
}

export interface SandboxCase {
  readonly name: string
  run(harness: SandboxHarness): Promise<void>
}

export interface Outcome extends ExitStatus {
  readonly stdout: string
  readonly stderr: string
}

/** Opens the sandbox of a new session, by default of a new user. */
export async function openNewSandbox(harness: SandboxHarness, userId?: string): Promise<Sandbox> {
  const [, sandbox] = await newSession(harness, userId)
  return sandbox
}

/** Makes a new session, by default of a new user, and opens its sandbox. */
export async function newSession(
  { sandboxes }: SandboxHarness,
  userId: string = randomIds.next("sess"),
): Promise<readonly [SandboxSession, Sandbox]> {
  const session = { id: randomIds.next("sess"), tenant: "test", userId }
  return [session, await sandboxes.open(session)]
}

export interface RunOptions {
  readonly language?: CodeLanguage
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
  readonly folders?: readonly ReadOnlyFolder[]
  readonly env?: Readonly<Record<string, string>>
}

/** The maximum time for code. A case that is not about time must not fail because of a slow machine. */
const amplyMs = 60_000

export function exec(
  { host }: SandboxHarness,
  sandbox: Sandbox,
  code: string,
  {
    language = "python",
    timeoutMs = amplyMs,
    signal = new AbortController().signal,
    folders,
    env,
  }: RunOptions = {},
): AsyncIterable<ExecEvent> {
  return sandbox.exec(
    { host, language, code, timeoutMs, ...(folders && { folders }), ...(env && { env }) },
    { signal },
  )
}

/** Runs code to its end, and keeps the first 64 kB of each stream. */
export async function run(
  harness: SandboxHarness,
  sandbox: Sandbox,
  code: string,
  options?: RunOptions,
): Promise<Outcome> {
  const text = { stdout: "", stderr: "" }
  for await (const event of exec(harness, sandbox, code, options)) {
    if (event.type === "exit") return { ...event, ...text }
    if (text[event.stream].length < 65_536) text[event.stream] += new TextDecoder().decode(event.bytes)
  }
  throw new Error("There was no exit status.")
}

/** Resolves when the condition is true. Rejects after a minute. */
export async function until(isTrue: () => boolean): Promise<void> {
  const end = performance.now() + amplyMs
  while (!isTrue()) {
    if (performance.now() > end) throw new Error("The condition did not become true.")
    await delay(20)
  }
}

export async function readTextFile(sandbox: Sandbox, path: string): Promise<string | null> {
  const file = await sandbox.readFile(path)
  if (file === null) return null
  const pieces: Uint8Array[] = []
  for await (const piece of file.content) pieces.push(piece)
  return Buffer.concat(pieces).toString()
}
