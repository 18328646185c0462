import { type Chat, connect, type SentEvent, type WaitReference } from "../../../src/client/index.ts"

/** Counts of what a client has done. */
export interface Done {
  readonly messages: number
  /** Number of approvals that were answered. */
  readonly approvals: number
  readonly histories: number
}

/**
 * One client of the package with two sessions. The first one is always busy. The second one asks for an approval,
 * which stays open until the next call of `answerOpen`.
 */
export interface LoadClient {
  /** Sends the next message and reads its run. Throws if the run or the history is not exactly as expected. */
  next(): Promise<void>
  answerOpen(): Promise<void>
  readonly done: Done
  /** The bills that the tool must have paid. */
  readonly bills: readonly string[]
}

/** Messages between two that ask for an approval, and between two reads of the history. */
const approvalEvery = 3
const historyEvery = 4
/** Words of a response; see the agent. */
const words = Array.from({ length: 20 }, (_, index) => ` ${index}`).join("")

interface Talk {
  readonly chat: Chat
  readonly name: string
  /** The messages and the last responses, in their order. */
  readonly texts: string[]
  count: number
}

interface OpenApproval extends Asked {
  readonly wait: WaitReference
  readonly runId: string
}

interface Asked {
  readonly message: string
  readonly bill: string
}

export function createLoadClient(url: string, name: string): LoadClient {
  const start = (suffix: string): Talk => {
    const options = { url: `${url}/api`, apiKey: "key", userId: name, retryDelayMs: 50 }
    return { chat: connect(options), name: `${name}-${suffix}`, texts: [], count: 0 }
  }
  const [busy, waiting] = [start("busy"), start("waiting")]
  const bills: string[] = []
  const done = { messages: 0, approvals: 0, histories: 0 }
  let open: OpenApproval | null = null

  function ask(talk: Talk): Asked {
    const bill = `${talk.name}-${++talk.count}`
    return { message: `pay ${bill}`, bill }
  }

  async function say(talk: Talk): Promise<void> {
    const message = `say ${talk.name}-${++talk.count}`
    const { outcome, text } = await talk.chat.send(message).result()
    expectText(
      `the response to "${message}"`,
      { outcome, text },
      { outcome: "completed", text: `${message}:${words}` },
    )
    talk.texts.push(message, text)
    done.messages++
  }

  /** Sends a message whose call waits for an approval, and leaves its stream. */
  async function request(talk: Talk): Promise<OpenApproval> {
    const asked = ask(talk)
    const run = talk.chat.send(asked.message)
    for await (const event of run) {
      if (event.type !== "tool_approval_request") continue
      done.messages++
      return { ...asked, wait: event, runId: run.id ?? "" }
    }
    throw new Error(`"${asked.message}" asked for no approval.`)
  }

  async function answer(talk: Talk, { message, bill, wait, runId }: OpenApproval): Promise<void> {
    await talk.chat.approve(wait, { approved: true })
    const text = await readRun(talk.chat.subscribe({ runId }))
    expectText(`the response to "${message}"`, text, `${message}:${words}`)
    talk.texts.push(message, text)
    bills.push(bill)
    done.approvals++
  }

  async function checkHistory({ chat, name, texts }: Talk): Promise<void> {
    const { messages } = await chat.history()
    const read = messages.flatMap(({ content }) =>
      content.flatMap((block) => (block.type === "text" ? [block.text] : [])),
    )
    expectText(`the history of ${name}`, read, texts)
    done.histories++
  }

  return {
    done,
    bills,
    async next() {
      if ((busy.count + 1) % approvalEvery === 0) await answer(busy, await request(busy))
      else await say(busy)
      if (busy.count % historyEvery === 0) await checkHistory(busy)
    },
    async answerOpen() {
      if (open !== null) {
        await answer(waiting, open)
        await checkHistory(waiting)
      }
      open = await request(waiting)
    },
  }
}

/** Resolves to the text of the run's last turn. */
async function readRun(events: AsyncIterable<SentEvent>): Promise<string> {
  let text = ""
  for await (const event of events) {
    if (event.type === "text_delta") text += event.text
    if (event.type === "stream_retry") text = ""
    if (event.type === "error") throw new Error(`The run failed: ${event.code}.`)
  }
  return text
}

function expectText(what: string, found: unknown, expected: unknown): void {
  const [read, wanted] = [JSON.stringify(found), JSON.stringify(expected)]
  if (read !== wanted) throw new Error(`${what} is ${read}, not ${wanted}`)
}
