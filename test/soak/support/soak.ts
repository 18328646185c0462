import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { anthropicEvents } from "../../../src/testing/provider/anthropic-wire.ts"
import {
  startScriptedUpstream,
  type UpstreamRequest,
} from "../../../src/testing/provider/scripted-upstream.ts"
import { type CliProcess, startCli } from "../../cli-process.ts"
import { type Counts, talk } from "./client.ts"

/** Counts of the objects in the gateway's process while no client is connected. */
export interface Sample {
  readonly heapUsed: number
  readonly rss: number
  readonly descriptors: number
  /** Active resources of the event loop, by kind. */
  readonly resources: Readonly<Record<string, number>>
}

export interface SoakOptions {
  /** Milliseconds of load before the first sample, in which caches fill. */
  readonly warmUpMs: number
  /** Milliseconds of load before each further sample. */
  readonly roundMs: number
  readonly rounds: number
  readonly onSample?: (sample: Sample, counts: Counts) => void
}

const clients = 8
/** Milliseconds of idle time, in which the gateway notices that all clients have left, and ends its deferred work. */
const idleMs = 8_000
const words = Array.from({ length: 60 }, (_, index) => `word ${index} `)

/** Runs a mixed load on a real gateway, and takes a sample after each round, when all clients have disconnected. */
export async function soak({ warmUpMs, roundMs, rounds, onSample }: SoakOptions): Promise<readonly Sample[]> {
  const folder = await mkdtemp(join(tmpdir(), "soak-"))
  const model = await startScriptedUpstream((request) => ({
    delayMs: 1,
    steps: anthropicEvents(partsFor(request)),
  }))
  const end: (() => Promise<void>)[] = []
  const gateway = startCli(
    ["start", fileURLToPath(new URL("../fixtures/agent.ts", import.meta.url)), "--port", "0"],
    {
      cwd: folder,
      nodeOptions: ["--expose-gc"],
      env: { ANTHROPIC_AUTH_TOKEN: "", ANTHROPIC_API_KEY: "sk-soak", ANTHROPIC_BASE_URL: model.url },
      onEnd: (close) => end.push(close),
    },
  )
  const counts: Counts = {}
  const samples: Sample[] = []
  try {
    const [, url = ""] = await gateway.printed(/^Listening on (http:\S+)\n/m)
    for (const ms of [warmUpMs, ...Array.from({ length: rounds }, () => roundMs)]) {
      await load(`${url}/api`, counts, ms)
      await delay(idleMs)
      const sample = await takeSample(gateway)
      samples.push(sample)
      onSample?.(sample, counts)
    }
  } finally {
    for (const close of end) await close()
    await model.close()
    await rm(folder, { recursive: true, force: true })
  }
  return samples
}

/** Returns one line for each kind of object of which the second sample has more than the first. */
export function leftOver(first: Sample, last: Sample): readonly string[] {
  const kinds = [...new Set([...Object.keys(first.resources), ...Object.keys(last.resources)])]
  const resources = kinds.map(
    (kind) => [kind, first.resources[kind] ?? 0, last.resources[kind] ?? 0] as const,
  )
  return [["descriptors", first.descriptors, last.descriptors] as const, ...resources]
    .filter(([, atFirst, atLast]) => atLast > atFirst)
    .map(([name, atFirst, atLast]) => `${name}: ${atFirst} at first, ${atLast} at last`)
}

async function load(url: string, counts: Counts, ms: number): Promise<void> {
  const stop = new AbortController()
  const talking = Promise.all(
    Array.from({ length: clients }, (_, client) => talk(url, client, counts, stop.signal)),
  )
  await Promise.race([delay(ms), talking])
  stop.abort()
  await talking
}

async function takeSample(gateway: CliProcess): Promise<Sample> {
  const after = gateway.stdout().length
  gateway.signal("SIGUSR2")
  const [, json = ""] = await gateway.printed(/^sample (\{.*\})\n/m, { after })
  return JSON.parse(json)
}

/** Calls the tool that the last message names. Otherwise responds with text. */
function partsFor({ body }: UpstreamRequest): Parameters<typeof anthropicEvents>[0] {
  const { messages } = body as { readonly messages: readonly { readonly content: unknown }[] }
  const last = JSON.stringify(messages.at(-1)?.content)
  const called = ["look_up", "erase"].find((name) => last.includes(`"${name}"`))
  if (called !== undefined) return [{ type: "toolCall", name: called, input: { text: "notes" } }]
  return [{ type: "text", text: words }]
}
