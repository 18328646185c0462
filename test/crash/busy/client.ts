import { setTimeout as delay } from "node:timers/promises"
import type { WhenBusy } from "../../../src/core/ports/store/inbox.ts"
import type { Random } from "../support/random.ts"

export interface SentMessage {
  readonly text: string
  readonly whenBusy: WhenBusy
  /** The run that the gateway named. Null for a refused message. */
  readonly runId: string | null
}

export interface BusyClientOptions {
  /** Addresses of the gateway's nodes. */
  readonly urls: readonly string[]
  readonly tag: string
  readonly random: Random
  readonly signal: AbortSignal
}

const modes: readonly WhenBusy[] = ["reject", "queue", "interrupt", "steer"]
const pauseMs = 20

/** A client that sends messages to one session without waiting for their runs. It uses any node that responds. */
export class BusyClient {
  readonly sent: SentMessage[] = []
  readonly #options: BusyClientOptions
  #session = { id: "", token: "" }

  constructor(options: BusyClientOptions) {
    this.#options = options
  }

  get id(): string {
    return this.#session.id
  }

  async open(): Promise<void> {
    const { session_id: id, session_token: token } = await this.#json("/chat/init", {
      api_key: this.#options.tag,
    })
    this.#session = { id: String(id), token: String(token) }
  }

  /**
   * Sends this many messages in all modes. With `asking`, the first run waits for an approval, and others may as
   * well.
   */
  async send(count: number, { asking }: { readonly asking: boolean }): Promise<void> {
    const { random, tag } = this.#options
    for (let index = 0; index < count; index++) {
      const whenBusy = index === 0 ? "reject" : random.pick(modes)
      const verb = asking && (index === 0 || random.chance(0.2)) ? "Pay" : "Say"
      await this.#send(`${verb} ${index} for ${tag}.`, whenBusy)
      await delay(random.whole(0, 60))
    }
  }

  /** Approves everything that the session waits for, until no run is open or queued and no command is due. */
  async finish(): Promise<void> {
    for (;;) {
      const history = await this.#json("/chat/history")
      const approvals = history.pending_approvals as readonly { tool_call_id: string; nonce: string }[]
      for (const { tool_call_id, nonce } of approvals) {
        const answer = await this.#request("/chat/tool-approval", { tool_call_id, nonce, approved: true })
        await answer.body?.cancel()
      }
      const queued = history.queued_runs as readonly unknown[]
      if (history.active_run === null && queued.length === 0) return
      await this.#pause(100)
    }
  }

  async #send(text: string, whenBusy: WhenBusy): Promise<void> {
    const headers = { "idempotency-key": text.replaceAll(/\W/g, "-") }
    const response = await this.#request("/chat", { message: text, when_busy: whenBusy }, headers)
    const runId = response.headers.get("x-run-id")
    const refusal = response.status === 200 ? "" : await response.text()
    await response.body?.cancel().catch(() => undefined)
    const isRefused = whenBusy === "reject" && refusal.includes("run_active")
    if (runId === null && !isRefused)
      throw new Error(`${whenBusy} was answered ${response.status}: ${refusal}`)
    this.sent.push({ text, whenBusy, runId })
  }

  async #json(path: string, body?: object): Promise<Readonly<Record<string, unknown>>> {
    for (;;) {
      const response = await this.#request(path, body)
      const text = await response.text().catch(whenBroken)
      if (text === null) continue
      if (response.status !== 200) throw new Error(`${path} was answered ${response.status}: ${text}`)
      return JSON.parse(text)
    }
  }

  /** Retries until a node responds. */
  async #request(
    path: string,
    body?: object,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Response> {
    const { urls, random, signal } = this.#options
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
      const url = `${random.pick(urls)}/api${path}`
      const response = await fetch(url, { ...content, signal }).catch(whenBroken)
      if (response !== null && response.status !== 503) return response
      await response?.body?.cancel().catch(() => undefined)
      await this.#pause(pauseMs)
    }
  }

  #pause(ms: number): Promise<void> {
    return delay(ms, undefined, { signal: this.#options.signal })
  }
}

/** Returns null for the errors that `fetch` throws if no server responds or the connection breaks. */
function whenBroken(error: unknown): null {
  if (error instanceof TypeError) return null
  throw error
}
