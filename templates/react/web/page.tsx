import { type Agent, useAgent } from "ai-agent-gateway/react"
import { useEffect } from "react"
import { createRoot } from "react-dom/client"

// `npm start` accepts any key. In production, your own server calls `POST /api/chat/init` with the real key, and the
// page requests a token from your server: `token: () => fetch("/my/token").then((response) => response.json())`.
const gateway = { url: "/api", apiKey: "dev" }

// The address of the page names its session, so the conversation continues after a reload.
const session = location.hash === "" ? {} : { sessionId: location.hash.slice(1) }

function Page() {
  const agent = useAgent({ ...gateway, ...session })
  const approvals = agent.waits.filter((wait) => wait.kind === "approval")
  const { sessionId } = agent.chat
  useEffect(() => {
    if (sessionId !== null) history.replaceState(null, "", `#${sessionId}`)
  }, [sessionId])
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
