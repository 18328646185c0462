import { useState } from "preact/hooks"
import { type Info, issueToken } from "../api.ts"
import { useScope } from "../operator-scopes.ts"
import { formatHref, navigate } from "../router.ts"
import { Notice } from "../ui/notice.tsx"
import { Composer } from "./composer.tsx"
import { announceConversation } from "./conversations.ts"
import { type Draft, keepFirstMessage } from "./first-message.ts"

/** Messages that suit every agent. A press puts one into the composer. */
const starters = ["What can you do?", "Which tools do you have?"]
/** A rule of the offline demo. A model would take it as a part of the message. */
const demoStarter = "/think How do you work?"

/** Creates a session together with its first message, so that opening the page does not create a session. */
export function NewConversation({ info }: { readonly info: Info }) {
  const [agent, setAgent] = useState(info.agents[0]?.name ?? "")
  const [problem, setProblem] = useState<string | null>(null)
  const [isStarting, setStarting] = useState(false)
  const [prefill, setPrefill] = useState<{ readonly text: string } | null>(null)
  const canStart = useScope("operate")
  const { allowedModels: models = null, isDemo = false } =
    info.agents.find(({ name }) => name === agent) ?? {}

  const start = async (draft: Draft) => {
    setStarting(true)
    setProblem(null)
    try {
      const { session_id } = await issueToken({ agent })
      keepFirstMessage(session_id, draft)
      navigate(formatHref(["chat", session_id]))
      announceConversation(session_id, formatTitle(draft))
    } catch (error) {
      setProblem((error as Error).message)
      setStarting(false)
    }
  }

  return (
    <div class="chat new-chat">
      <div class="welcome">
        <h1>
          Talk to <span class="agent-name">{agent}</span>
        </h1>
        <p>The gateway stores the conversation, so you can reload the page or come back later.</p>
        {info.agents.length > 1 && (
          <label class="inline">
            Agent
            <select value={agent} onChange={(event) => setAgent(event.currentTarget.value)}>
              {info.agents.map(({ name }) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          </label>
        )}
        {!canStart && (
          <Notice title="You cannot start a conversation">
            <p>This needs the scope operate, which your operator key does not have.</p>
          </Notice>
        )}
        {problem !== null && (
          <Notice tone="danger" title="The conversation could not be started">
            <p>{problem}</p>
          </Notice>
        )}
      </div>
      <Composer
        models={models}
        isBusy={false}
        isDisabled={isStarting || !canStart}
        prefill={prefill}
        onSend={start}
        autoFocus
      />
      <ul class="starters" aria-label="Messages to begin with">
        {(isDemo ? [...starters, demoStarter] : starters).map((text) => (
          <li key={text}>
            <button type="button" disabled={isStarting || !canStart} onClick={() => setPrefill({ text })}>
              {text}
            </button>
          </li>
        ))}
      </ul>
    </div>
  )
}

/** Returns the title of a conversation with this first message, as the gateway will form it. */
function formatTitle({ content }: Draft): string {
  const texts =
    typeof content === "string"
      ? [content]
      : content.map((block) => (block.type === "text" ? block.text : ""))
  const text = texts.join("\n").trim()
  return text === "" ? "Image" : text.slice(0, 80)
}
