import { connectUser, type IssuedUserToken, type SessionToken } from "ai-agent-gateway/client"
import { type Agent, useAgent } from "ai-agent-gateway/react"
import { useCallback, useEffect, useState } from "react"
import { createRoot } from "react-dom/client"

/** Asks your own server for a token. The page has no API key. While you develop, `vite.config.ts` is this server. */
async function requestToken<Token>(body: object): Promise<Token> {
  const headers = { "content-type": "application/json" }
  const response = await fetch("/token", { method: "POST", headers, body: JSON.stringify(body) })
  const issued = await response.json()
  if (!response.ok) throw new Error(issued.detail)
  return issued
}

const user = connectUser({ url: "/api", token: () => requestToken<IssuedUserToken>({ scope: "user" }) })

function Page() {
  // The address of the page names its conversation, which therefore continues after a reload.
  const [opened, setOpened] = useState({ count: 0, id: location.hash.slice(1) })
  const [ids, setIds] = useState<readonly string[]>([])
  const [problem, setProblem] = useState("")

  const list = useCallback(() => {
    user.sessions().then(
      ({ sessions }) =>
        setIds(sessions.filter(({ parent }) => parent === null).map((each) => each.session_id)),
      (error: Error) => setProblem(error.message),
    )
  }, [])
  const name = useCallback(
    (id: string) => {
      history.replaceState(null, "", `#${id}`)
      list()
    },
    [list],
  )
  const open = (id: string) => {
    history.replaceState(null, "", `#${id}`)
    setOpened({ count: opened.count + 1, id })
  }
  useEffect(list, [list])

  return (
    <>
      <nav>
        <button type="button" onClick={() => open("")}>
          New conversation
        </button>
        {ids.map((id, index) => (
          <button type="button" key={id} title={id} onClick={() => open(id)}>
            Conversation {ids.length - index}
          </button>
        ))}
        <small>{problem}</small>
      </nav>
      <Chat key={opened.count} id={opened.id} onCreated={name} />
    </>
  )
}

interface ChatProps {
  /** The session to continue. Empty for a new one. */
  readonly id: string
  readonly onCreated: (id: string) => void
}

function Chat({ id, onCreated }: ChatProps) {
  const agent = useAgent({
    url: "/api",
    ...(id !== "" && { sessionId: id }),
    token: ({ sessionId }) => requestToken<SessionToken>({ session_id: sessionId ?? undefined }),
  })
  const approvals = agent.waits.filter((wait) => wait.kind === "approval")
  const { sessionId } = agent.chat
  useEffect(() => {
    if (sessionId !== null) onCreated(sessionId)
  }, [sessionId, onCreated])
  return (
    <main>
      {agent.messages.map((message) => (
        <article key={message.id} className={message.role}>
          {message.parts.map((part, index) => (
            <Part key={`${index} ${part.type}`} part={part} />
          ))}
        </article>
      ))}
      {approvals.map((wait) => (
        <p key={wait.tool_call_id} role="alert">
          Allow {wait.tool_name} {JSON.stringify(wait.tool_input)}?{" "}
          <button type="button" onClick={() => agent.approve(wait, { approved: true })}>
            Allow
          </button>{" "}
          <button type="button" onClick={() => agent.approve(wait, { approved: false })}>
            Deny
          </button>
        </p>
      ))}
      <form action={(form) => agent.send(String(form.get("message")))}>
        <input name="message" aria-label="Message" required autoComplete="off" />
        <button type="submit">Send</button>
        <button type="button" onClick={agent.stop} disabled={!agent.isRunning}>
          Stop
        </button>
      </form>
      <output>{agent.failure?.message ?? agent.status}</output>
    </main>
  )
}

function Part({ part }: { readonly part: Agent["messages"][number]["parts"][number] }) {
  switch (part.type) {
    case "text":
      return <p>{part.text}</p>
    case "thinking":
      return <details>{part.text}</details>
    case "tool":
      return (
        <pre>
          {part.tool_name} {JSON.stringify(part.tool_input)}: {part.state}{" "}
          {JSON.stringify(part.error ?? part.result)}
        </pre>
      )
    default:
      return null
  }
}

const root = document.getElementById("root")
if (root !== null) createRoot(root).render(<Page />)
