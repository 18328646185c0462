import { type Agent, useAgent } from "ai-agent-gateway/react"
import { createRoot } from "react-dom/client"

// A public page must not contain an API key. It requests a token from your own server: `token: () =>
// fetch("/my/token").then((r) => r.json())`.
const gateway = { url: "http://127.0.0.1:8000/api", apiKey: "dev" }

export function Page({ url, apiKey }: { readonly url: string; readonly apiKey: string }) {
  const agent = useAgent({ url, apiKey })
  const approvals = agent.waits.filter((wait) => wait.kind === "approval")
  return (
    <main>
      {agent.messages.map((message) => (
        <article key={message.id} className={message.role}>
          {message.parts.map((part, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: parts are only added at the end
            <Part key={`${index} ${part.type}`} part={part} />
          ))}
        </article>
      ))}
      {approvals.map((wait) => (
        <p key={wait.tool_call_id} role="alert">
          Allow {wait.tool_name} {JSON.stringify(wait.tool_input)}?
          <button type="button" onClick={() => agent.approve(wait, { approved: true })}>
            Allow
          </button>
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
      return <pre>{`${part.tool_name}: ${part.state} ${JSON.stringify(part.error ?? part.result)}`}</pre>
    default:
      return null
  }
}

const root = document.getElementById("root")
if (root !== null) createRoot(root).render(<Page {...gateway} />)
