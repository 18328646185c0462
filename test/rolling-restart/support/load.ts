import { toError } from "../../../src/core/errors.ts"
import { eventually } from "../../end-to-end/support/eventually.ts"
import { createLoadClient, type Done, type LoadClient } from "./load-client.ts"

/** Clients that send one message after the other. */
export interface Load {
  /** Resolves when each client has sent this many further messages, or has lost something. */
  progress(messages: number): Promise<void>
  /** Answers the approvals that the clients left open, and leaves new ones open. */
  answerOpen(): Promise<void>
  /** Resolves when the clients have read their last runs. */
  stop(): Promise<LoadReport>
}

export interface LoadReport extends Done {
  readonly bills: readonly string[]
  /** Losses of the clients: a message, a part of a response, an answer, or a history. */
  readonly lost: readonly string[]
}

export function startLoad(
  url: string,
  { clients: count, withinMs }: { clients: number; withinMs: number },
): Load {
  const clients = Array.from({ length: count }, (_, index) => createLoadClient(url, `client${index}`))
  const lost: string[] = []
  let isStopping = false

  async function play(client: LoadClient): Promise<void> {
    while (!isStopping) await client.next()
  }

  /** Records what a client has lost. The client then sends nothing more. */
  const record = (error: unknown) => {
    const { message, cause } = toError(error)
    lost.push(cause === undefined ? message : `${message} (${String(cause)})`)
  }
  const playing = clients.map((client) => play(client).catch(record))
  return {
    async progress(messages) {
      const wanted = clients.map(({ done }) => done.messages + messages)
      const isReached = () => clients.every(({ done }, index) => done.messages >= (wanted[index] ?? 0))
      await eventually("the messages of each client", () => (isReached() || lost.length > 0 ? true : null), {
        withinMs,
      })
    },
    async answerOpen() {
      await Promise.all(clients.map((client) => client.answerOpen().catch(record)))
    },
    async stop() {
      isStopping = true
      await Promise.all(playing)
      const sum = (name: keyof Done) => clients.reduce((total, { done }) => total + done[name], 0)
      return {
        messages: sum("messages"),
        approvals: sum("approvals"),
        histories: sum("histories"),
        bills: clients.flatMap(({ bills }) => bills),
        lost,
      }
    },
  }
}
