import { useChat } from "@ai-sdk/react"
import { DefaultChatTransport, lastAssistantMessageIsCompleteWithApprovalResponses, type UIMessage } from "ai"
import { useEffect, useState } from "react"
import { createRoot } from "react-dom/client"

// A public page must not contain an API key. Its own server calls POST /chat/init, and gives it a token.
const gateway = { api: "http://127.0.0.1:8000/api/ai-sdk/chat", headers: { authorization: "Bearer dev" } }

/** The chat's id and messages stay in the tab when the page is loaded again. */
const id = sessionStorage.getItem("chat") ?? crypto.randomUUID()
sessionStorage.setItem("chat", id)
const stored: UIMessage[] = JSON.parse(sessionStorage.getItem("messages") ?? "[]")

export function Page({ api, headers }: typeof gateway) {
  const transport = new DefaultChatTransport<UIMessage>({
    api,
    headers,
    // The gateway has the conversation, so the last message is enough.
    prepareSendMessagesRequest: ({ id, messages, trigger, body }) => ({
      body: { ...body, id, trigger, messages: messages.slice(-1) },
    }),
  })
  const { messages, sendMessage, addToolApprovalResponse, resumeStream, status, error } = useChat({
    id,
    transport,
    messages: stored,
    sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithApprovalResponses,
  })

  useEffect(() => sessionStorage.setItem("messages", JSON.stringify(messages)), [messages])

  // After the page was loaded, reads the newest response again.
  const [isRestored, setRestored] = useState(false)
  useEffect(() => void resumeStream().then(() => setRestored(true)), [resumeStream])

  // After a lost connection, sends again what may be lost, or reads the response again. The gateway takes a message or
  // an answer that is sent twice once.
  useEffect(() => {
    if (!(error instanceof TypeError)) return
    const isUnsent =
      messages.at(-1)?.role === "user" || lastAssistantMessageIsCompleteWithApprovalResponses({ messages })
    const timer = setTimeout(() => void (isUnsent ? sendMessage() : resumeStream()), 1_000)
    return () => clearTimeout(timer)
  }, [error, messages, sendMessage, resumeStream])

  // A response that is read again would replace what the user does meanwhile.
  const isReading = !isRestored || error instanceof TypeError
  const isBusy = isReading || status === "submitted" || status === "streaming"

  const stop = () => fetch(`${api}/${id}/stop`, { method: "POST", headers })
  return (
    <main>
      {messages.map((message) => (
        <article key={message.id} className={message.role}>
          {message.parts.map((part, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: parts are only added at the end
            <Part key={index} part={part} isBusy={isBusy} answer={addToolApprovalResponse} />
          ))}
        </article>
      ))}
      <form action={(form) => void sendMessage({ text: String(form.get("message")) })}>
        <input name="message" aria-label="Message" required autoComplete="off" />
        <button type="submit" disabled={isBusy}>
          Send
        </button>
        <button type="button" onClick={stop} disabled={status === "ready"}>
          Stop
        </button>
      </form>
      <output>{error?.message ?? status}</output>
    </main>
  )
}

interface PartProps {
  readonly part: UIMessage["parts"][number]
  readonly isBusy: boolean
  readonly answer: (answer: { id: string; approved: boolean }) => void
}

function Part({ part, isBusy, answer }: PartProps) {
  if (part.type === "text") return <p>{part.text}</p>
  if (part.type === "reasoning") return <details>{part.text}</details>
  if (part.type !== "dynamic-tool") return null
  const { toolName, input, state, output, approval } = part
  if (state !== "approval-requested") return <pre>{`${toolName}: ${state} ${JSON.stringify(output)}`}</pre>
  return (
    <p role="alert">
      Allow {toolName} {JSON.stringify(input)}?
      <button type="button" disabled={isBusy} onClick={() => answer({ id: approval.id, approved: true })}>
        Allow
      </button>
      <button type="button" disabled={isBusy} onClick={() => answer({ id: approval.id, approved: false })}>
        Deny
      </button>
    </p>
  )
}

const root = document.getElementById("root")
if (root !== null) createRoot(root).render(<Page {...gateway} />)
