import { useLayoutEffect, useState } from "react"
import { createRoot } from "react-dom/client"
import type { SessionToken } from "../../../src/client/index.ts"
import { type Agent, type UseAgentOptions, useAgent } from "../../../src/client/react/use-agent.ts"

/** The session that a rendering for a user showed, with the texts of its messages. */
interface Rendering {
  readonly user: string
  readonly sessionId: string | null
  readonly texts: readonly string[]
}

type Options = Pick<UseAgentOptions, "userId" | "sessionId" | "history">

interface Harness {
  /** Renders the page for another user, with a key, or with tokens that a server of the application issues. */
  show(options: Options, credentials: "key" | "tokens"): Promise<void>
  readonly renderings: Rendering[]
  agent(): Agent
  /** Returns true if the gateway has accepted so many messages that it answers with the long text. */
  hasAccepted(messages: number): boolean
}

const renderings: Rendering[] = []
let current: Agent | null = null
let change: ((options: UseAgentOptions) => void) | null = null

function Page({ first }: { readonly first: UseAgentOptions }) {
  const [options, setOptions] = useState(first)
  const agent = useAgent(options)
  const texts = agent.messages.flatMap(({ parts }) =>
    parts.flatMap((part) => (part.type === "text" ? [part.text] : [])),
  )
  renderings.push({ user: options.userId ?? "", sessionId: agent.chat.sessionId, texts })
  useLayoutEffect(() => {
    current = agent
    change = setOptions
  })
  return <output>{agent.status}</output>
}

async function issueToken(userId: string | undefined, sessionId: string | null): Promise<SessionToken> {
  const session = sessionId === null ? {} : { session_id: sessionId }
  const body = JSON.stringify({ api_key: "suite-key", user_id: userId, ...session })
  const headers = { "content-type": "application/json" }
  const response = await fetch("/api/chat/init", { method: "POST", headers, body })
  if (!response.ok) throw new Error(await response.text())
  return response.json()
}

const harness: Harness = {
  renderings,
  agent() {
    if (current === null) throw new Error("The page is not rendered.")
    return current
  },
  hasAccepted(messages) {
    const { queued } = harness.agent()
    if (queued.length > 0) return queued.every(({ run_id }) => run_id !== null)
    return renderings.at(-1)?.texts.filter((text) => text.startsWith("wörd1 ")).length === messages
  },
  async show(options, credentials) {
    const issue = ({ sessionId }: { readonly sessionId: string | null }) =>
      issueToken(options.userId, sessionId)
    const source = credentials === "key" ? { apiKey: "suite-key" } : { token: issue }
    const next = { url: "/api", ...source, ...options }
    if (change === null) createRoot(document.body).render(<Page first={next} />)
    else change(next)
    await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))
  },
}
Object.assign(globalThis, { harness })
