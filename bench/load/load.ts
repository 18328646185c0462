import { Agent } from "node:http"
import { setTimeout as delay } from "node:timers/promises"
import { serveParent } from "../parent.ts"
import type { Script } from "../script.ts"
import { faultOf, textFaultOf } from "./check-stream.ts"
import { eachAtOnce } from "./each-at-once.ts"
import { holdViewers, type ViewersRequest } from "./hold-viewers.ts"
import { openLongSession, useLongSession } from "./long-session.ts"
import { type ReadStream, readStream } from "./read-stream.ts"
import { noSession, type OpenedSession, openSessions, streamRequest, type Target } from "./target.ts"

/**
 * The clients, in a process of their own. Streams are read as bytes. Their contents are checked after the
 * measurement.
 */
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
  /** Number of streams that run meanwhile, with the script `script`. */
  readonly running: number
  readonly probes: number
  readonly probeScript: Script
  /** Number of sessions that are already in use. Default 0. */
  readonly taken?: number
}

/** Milliseconds between probes. Most probes end before the next one starts. */
const probePauseMs = 20

/**
 * Connections of one measurement. An idle connection from an earlier measurement would be about to be closed by the
 * server.
 */
let agent = new Agent({ keepAlive: true })
let sessions: readonly OpenedSession[] = []
let open: { readonly request: LoadRequest; readonly streams: Promise<ReadStream>[] } | null = null

serveParent("", {
  answers: {
    async prepare({ target, streams }: { readonly target: Target; readonly streams: number }) {
      agent.destroy()
      agent = new Agent({ keepAlive: true })
      sessions = await openSessions(target, streams)
    },
    async streams(request: StreamsRequest): Promise<StreamsResult> {
      const { script, streams, atOnce } = request
      const read: ReadStream[] = []
      const begun = performance.now()
      await eachAtOnce(streams, atOnce, async (index) => {
        read.push(await readOne(request, index))
      })
      const wallSeconds = (performance.now() - begun) / 1000
      check(request, read)
      const firstTokenMs = read.map((stream) => stream.firstTokenMs)
      return { wallSeconds, tokens: streams * script.tokens, firstTokenMs }
    },
    async probes(request: ProbesRequest): Promise<readonly number[]> {
      const { target, running, probes, probeScript, taken = 0 } = request
      const background: Promise<ReadStream>[] = []
      for (let index = 0; index < running; index++) {
        background.push(readOne(request, taken + index))
        if (background.length % 10 === 0) await delay(5)
      }
      const measured: number[] = []
      for (let index = 0; index < probes; index++) {
        await delay(probePauseMs * (0.5 + Math.random()))
        const probe = await readOne({ target, script: probeScript }, taken + running + index)
        measured.push(probe.firstTokenMs)
      }
      check(request, await Promise.all(background))
      return measured
    },
    /**
     * Opens streams, this many at a time, and waits for the first token of each. The streams then continue in the
     * background.
     */
    async open(request: StreamsRequest): Promise<readonly number[]> {
      const streams: Promise<ReadStream>[] = []
      open = { request, streams }
      const firstTokenMs: number[] = []
      await eachAtOnce(request.streams, request.atOnce, async (index) => {
        const begun = Promise.withResolvers<number>()
        const stream = readOne(request, index, begun.resolve)
        streams.push(stream)
        firstTokenMs.push(await Promise.race([begun.promise, stream.then((read) => read.firstTokenMs)]))
      })
      return firstTokenMs
    },
    /** Waits for the end of the streams that `open` started. Resolves to the number of complete streams. */
    async finish(): Promise<number> {
      if (open === null) return 0
      const read = await Promise.all(open.streams)
      check(open.request, read)
      return read.length
    },
    viewers: (request: ViewersRequest) => holdViewers(request, sessions),
    openLongSessions: ({ url, count }: { readonly url: string; readonly count: number }) =>
      Promise.all(Array.from({ length: count }, () => openLongSession(url))),
    longSession: ({ url, token }: { readonly url: string; readonly token: string }) =>
      useLongSession(url, token, agent),
  },
})

function readOne(
  { target, script }: LoadRequest,
  index: number,
  onFirstToken?: (ms: number) => void,
): Promise<ReadStream> {
  const request = streamRequest(target, sessions[index] ?? noSession, script)
  return readStream(target.url, request, { agent, ...(onFirstToken && { onFirstToken }) })
}

function check({ target, script }: LoadRequest, read: readonly ReadStream[]): void {
  if (target.type === "upstream") return
  const isNative = target.type !== "peer" && (target.wire ?? "native") === "native"
  const fault = isNative ? faultOf : textFaultOf
  for (const { chunks } of read) {
    const found = fault(chunks, script.tokens)
    if (found !== null) throw new Error(`A stream did not arrive whole: ${found}.`)
  }
}
