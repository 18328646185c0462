import { Agent } from "node:http"
import { setTimeout as delay } from "node:timers/promises"
import { serveParent } from "../parent.ts"
import type { Script } from "../script.ts"
import { faultOf } from "./check-stream.ts"
import { holdViewers, type ViewersRequest } from "./hold-viewers.ts"
import { type ReadStream, readStream } from "./read-stream.ts"
import { openSessions, streamRequest, type Target } from "./target.ts"

/** The clients, in a process of their own. Streams are read as bytes, and looked into when the clock has stopped. */
export interface LoadRequest {
  readonly target: Target
  readonly script: Script
}

export interface StreamsRequest extends LoadRequest {
  readonly streams: number
  readonly atOnce: number
}

export interface StreamsResult {
  readonly wallSeconds: number
  readonly tokens: number
  readonly firstTokenMs: readonly number[]
}

export interface ProbesRequest extends LoadRequest {
  /** Streams that run meanwhile, by `script`. */
  readonly running: number
  readonly probes: number
  readonly probeScript: Script
}

/** Pause between probes: long enough for one to be over before the next in most cases. */
const probePauseMs = 20

const agent = new Agent({ keepAlive: true })
let prepared: readonly string[] = []

serveParent("", {
  answers: {
    async prepare({ target, streams }: { readonly target: Target; readonly streams: number }) {
      prepared = await openSessions(target, streams)
    },
    async streams({ target, script, streams, atOnce }: StreamsRequest): Promise<StreamsResult> {
      const read: ReadStream[] = []
      let next = 0
      const client = async () => {
        while (next < streams) {
          const token = prepared[next++] ?? ""
          read.push(await readStream(target.url, streamRequest(target, token, script), { agent }))
        }
      }
      const begun = performance.now()
      await Promise.all(Array.from({ length: atOnce }, client))
      const wallSeconds = (performance.now() - begun) / 1000
      if (target.type !== "upstream") check(read, script)
      const firstTokenMs = read.map((stream) => stream.firstTokenMs)
      return { wallSeconds, tokens: streams * script.tokens, firstTokenMs }
    },
    async probes(request: ProbesRequest): Promise<readonly number[]> {
      const { target, script, running, probes, probeScript } = request
      const open = (token: string | undefined, streamScript: Script) =>
        readStream(target.url, streamRequest(target, token ?? "", streamScript), { agent })
      const background: Promise<ReadStream>[] = []
      for (const token of prepared.slice(0, running)) {
        background.push(open(token, script))
        if (background.length % 10 === 0) await delay(5)
      }
      const measured: number[] = []
      for (const token of prepared.slice(running, running + probes)) {
        await delay(probePauseMs * (0.5 + Math.random()))
        measured.push((await open(token, probeScript)).firstTokenMs)
      }
      const read = await Promise.all(background)
      if (target.type !== "upstream") check(read, script)
      return measured
    },
    viewers: (request: ViewersRequest) => holdViewers(request, prepared),
  },
})

function check(read: readonly ReadStream[], { tokens }: Script): void {
  for (const { chunks } of read) {
    const fault = faultOf(chunks, tokens)
    if (fault !== null) throw new Error(`A stream did not arrive whole: ${fault}.`)
  }
}
