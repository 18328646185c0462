import { setTimeout as delay } from "node:timers/promises"
import type { ChatEvent } from "../../../src/wires/native/schemas/events.ts"
import { Viewer } from "./viewer.ts"

/** A run that the gateway has acknowledged. Times are in milliseconds since the Unix epoch. */
export interface AcceptedRun {
  readonly runId: string
  /** Time of the first acknowledgment. */
  readonly at: number
}

/** An accepted answer. The gateway has acknowledged it, or has reported later that it was already answered. */
export interface AcceptedAnswer {
  readonly toolCallId: string
  readonly body: Readonly<Record<string, unknown>>
  readonly at: number
}

type ApprovalRequest = Extract<ChatEvent, { type: "tool_approval_request" }>
type PendingWait = Pick<ApprovalRequest, "tool_call_id" | "nonce"> & { readonly kind: string }
type ElicitationRequest = Extract<ChatEvent, { type: "elicitation_request" }>
type CallStart = Extract<ChatEvent, { type: "tool_call_start" }>

const pauseMs = 10
/**
 * Pause before a request is repeated. A round has dozens of requests that wait for the next gateway, and each attempt
 * takes CPU time from its start.
 */
const retryMs = 50

/**
 * A client of one session that survives its gateway. It repeats every request that was not acknowledged, and
 * continues a broken stream after the last id. It records everything that it receives.
 */
export class SessionClient {
  readonly runs: AcceptedRun[] = []
  readonly answers: AcceptedAnswer[] = []
  /** Texts of steering messages that the gateway has acknowledged. */
  readonly steered: string[] = []
  /** Runs that the client has asked to cancel. */
  readonly cancelsAsked = new Set<string>()
  /** Runs whose cancel was acknowledged. */
  readonly cancelled = new Set<string>()
  readonly viewers: Viewer[] = []
  /** Identifies the client's messages and the session's model calls. */
  readonly tag: string
  readonly #url: string
  readonly #signal: AbortSignal
  readonly #views: Promise<void>[] = []
  #session = { id: "", token: "" }

  constructor(url: string, { tag, signal }: { readonly tag: string; readonly signal: AbortSignal }) {
    this.tag = tag
    this.#url = `${url}/api`
    this.#signal = signal
  }

  get id(): string {
    return this.#session.id
  }

  async open(): Promise<void> {
    const body = await this.#ask("/chat/init", { api_key: this.tag }).then(accepted)
    this.#session = { id: body.session_id ?? "", token: body.session_token ?? "" }
  }

  /** Sends a message, and lets a viewer read the stream of its run. Resolves once the run is accepted. */
  async chat(body: object): Promise<{ readonly runId: string; readonly ended: Promise<void> }> {
    const response = await this.#post(body)
    const runId = response.headers.get("x-run-id") ?? ""
    this.runs.push({ runId, at: Date.now() })
    const ended = this.#view(Number(response.headers.get("x-cursor")), { first: response, ends: 1, runId })
    return { runId, ended }
  }

  /** Sends a message that joins the open run. Resolves once it is accepted. */
  async steer(message: string): Promise<void> {
    const response = await this.#post({ message, when_busy: "steer" })
    await response.body?.cancel()
    this.steered.push(message)
  }

  async #post(body: object): Promise<Response> {
    const key = { "idempotency-key": `${this.tag}-${this.runs.length}-${this.steered.length}` }
    const response = await this.#request("/chat", body, key)
    if (response.status !== 200) throw unexpected(response, await response.text())
    return response
  }

  /**
   * Adds a viewer from the session's start to the end of its last run. If `leave` returns true, the viewer
   * disconnects and reconnects.
   */
  watch(options: { readonly ends: number; readonly leave: () => boolean }): void {
    void this.#view(0, options)
  }

  /** Resolves once every viewer has seen its last end. */
  async over(): Promise<void> {
    await Promise.all(this.#views)
  }

  /** Resolves to a new viewer that has read the whole session. */
  async reread(): Promise<Viewer> {
    const viewer = new Viewer(0)
    await this.#follow(viewer, { ends: this.runs.length })
    return viewer
  }

  /** Resolves to the first event of this type that a viewer receives. */
  async see<Type extends ChatEvent["type"]>(type: Type): Promise<Extract<ChatEvent, { type: Type }>> {
    const [first] = await this.seeAll(type, 1)
    if (first === undefined) throw new Error(`No ${type} was seen.`)
    return first
  }

  /** Resolves to the first different events, this many. Events of tool calls differ by their calls. */
  async seeAll<Type extends ChatEvent["type"]>(
    type: Type,
    count: number,
  ): Promise<readonly Extract<ChatEvent, { type: Type }>[]> {
    for (;;) {
      const all = this.viewers.flatMap(({ sightings }) => sightings.flatMap(({ events }) => events))
      const seen = new Map(
        all
          .filter((event): event is Extract<ChatEvent, { type: Type }> => event.type === type)
          .map((event) => ["tool_call_id" in event ? event.tool_call_id : JSON.stringify(event), event]),
      )
      if (seen.size >= count) return [...seen.values()].slice(0, count)
      await this.#pause()
    }
  }

  /** Resolves to the first call that this client must execute, which is the first one with a nonce. */
  async seeCallOfMine(): Promise<CallStart> {
    for (;;) {
      const all = this.viewers.flatMap(({ sightings }) => sightings.flatMap(({ events }) => events))
      const mine = all.find((event) => event.type === "tool_call_start" && event.nonce !== undefined)
      if (mine?.type === "tool_call_start") return mine
      await this.#pause()
    }
  }

  /** Resolves to the first pending approval of the session or of a session below it. */
  async pendingApproval(): Promise<Pick<ApprovalRequest, "tool_call_id" | "nonce">> {
    const [approval] = await this.#waits("approval", 1)
    if (approval === undefined) throw new Error("No approval is open.")
    return approval
  }

  /** Resolves once this many calls of the session and of the sessions below it wait for sub-agents. */
  async waitsForChildren(count: number): Promise<void> {
    await this.#waits("child", count)
  }

  async #waits(kind: string, count: number): Promise<readonly PendingWait[]> {
    for (;;) {
      const response = await this.#request("/chat/waits")
      const text = await response.text().catch(whenBroken)
      const { waits = [] } = JSON.parse(text ?? "{}") as { readonly waits?: readonly PendingWait[] }
      const found = waits.filter((wait) => wait.kind === kind)
      if (found.length >= count) return found
      await this.#pause(50)
    }
  }

  /** Does nothing until the gateway has died, or for this many milliseconds. */
  async rest(ms: number): Promise<void> {
    const until = Date.now() + ms
    while (Date.now() < until && !this.viewers.some(({ broken }) => broken)) await this.#pause()
  }

  async decide(
    { tool_call_id, nonce }: Pick<ApprovalRequest, "tool_call_id" | "nonce">,
    decision: object,
  ): Promise<void> {
    await this.#answer("/chat/tool-approval", { tool_call_id, nonce, ...decision })
  }

  async respond({ tool_call_id, nonce }: ElicitationRequest, answer: object): Promise<void> {
    await this.#answer("/chat/elicitation", { tool_call_id, nonce, ...answer })
  }

  async submit({ tool_call_id, nonce }: CallStart, result: object): Promise<void> {
    await this.#answer("/chat/tool-result", { tool_call_id, nonce, result })
  }

  async cancel(runId: string): Promise<void> {
    this.cancelsAsked.add(runId)
    const reply = await this.#ask("/chat/cancel", { run_id: runId })
    // The run has ended. An earlier attempt may have succeeded without its acknowledgment.
    if (reply.status === 404) return
    accepted(reply)
    this.cancelled.add(runId)
  }

  async #answer(path: string, body: AnswerBody): Promise<void> {
    let reply = await this.#ask(path, body)
    while (reply.status === 404 && path === "/chat/tool-result") {
      // The call was announced, but its wait is not open yet.
      await this.#pause(50)
      reply = await this.#ask(path, body)
    }
    // 409: an earlier attempt was accepted, but its acknowledgment was lost.
    if (reply.status !== 409) accepted(reply)
    this.answers.push({ toolCallId: body.tool_call_id, body, at: Date.now() })
  }

  #view(after: number, options: Following): Promise<void> {
    const viewer = new Viewer(after, options.runId)
    this.viewers.push(viewer)
    const view = this.#follow(viewer, options)
    this.#views.push(view)
    // `over` rejects with the same error. Until then, nothing needs to handle the rejection.
    view.catch(() => undefined)
    return view
  }

  async #follow(viewer: Viewer, { first, ends, leave, runId }: Following): Promise<void> {
    let response = first ?? null
    const ofRun = runId === undefined ? "" : `&run_id=${runId}`
    while (viewer.ends < ends) {
      response ??= await this.#request(`/chat/subscribe?after_seq=${viewer.lastId}${ofRun}`)
      if (response.status === 200) await viewer.read(response, leave)
      else if (response.status !== 204) throw unexpected(response, await response.text())
      response = null
      if (viewer.ends < ends) await this.#pause()
    }
  }

  /** Resolves to the complete response of the current gateway. */
  async #ask(path: string, body: object): Promise<Reply> {
    for (;;) {
      const response = await this.#request(path, body)
      const { status, url } = response
      const text = await response.text().catch(whenBroken)
      if (text !== null) return { status, url, text }
    }
  }

  /** Retries until a gateway responds. */
  async #request(path: string, body?: object, headers?: Readonly<Record<string, string>>): Promise<Response> {
    const { token } = this.#session
    const authorization = token === "" ? {} : { authorization: `Bearer ${token}` }
    const content =
      body === undefined
        ? { headers: authorization }
        : {
            method: "POST",
            headers: { "content-type": "application/json", ...authorization, ...headers },
            body: JSON.stringify(body),
          }
    for (;;) {
      const response = await fetch(`${this.#url}${path}`, { ...content, signal: this.#signal }).catch(
        whenBroken,
      )
      if (response !== null && response.status !== 503) return response
      await response?.body?.cancel()
      await this.#pause(retryMs)
    }
  }

  #pause(ms = pauseMs): Promise<void> {
    return delay(ms, undefined, { signal: this.#signal })
  }
}

interface AnswerBody {
  readonly tool_call_id: string
  readonly [field: string]: unknown
}

interface Following {
  /** Response to continue with. */
  readonly first?: Response
  /** Number of terminal events after which the viewer ends. */
  readonly ends: number
  readonly leave?: () => boolean
  /** If set, the viewer follows only this run. */
  readonly runId?: string
}

interface Reply {
  readonly status: number
  readonly url: string
  readonly text: string
}

function accepted(reply: Reply): Readonly<Record<string, string>> {
  if (reply.status !== 200) throw unexpected(reply, reply.text)
  return JSON.parse(reply.text)
}

function unexpected({ url, status }: { readonly url: string; readonly status: number }, text: string): Error {
  return new Error(`${url} answered ${status}: ${text}`)
}

/** Returns null for the errors that `fetch` throws if no server responds or the connection breaks. */
function whenBroken(error: unknown): null {
  if (error instanceof TypeError) return null
  throw error
}
