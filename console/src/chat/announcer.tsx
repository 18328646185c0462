import type { Agent } from "ai-agent-gateway/react"
import { useEffect, useRef, useState } from "preact/hooks"

const maxSpoken = 600

/**
 * Tells screen readers what happens. The text of a response is announced when it is complete, because its pieces
 * would interrupt each other.
 */
export function Announcer({ agent, agentName }: { readonly agent: Agent; readonly agentName: string }) {
  const [spoken, setSpoken] = useState("")
  const before = useRef(agent.status)
  const { status, waits } = agent

  useEffect(() => {
    const was = before.current
    before.current = status
    if (status === "reconnecting") setSpoken("Connection lost. Reconnecting.")
    else if (status === "waiting") setSpoken(waitText(agent))
    else if (status === "running" && was !== "waiting") setSpoken(`${agentName} is working.`)
    else if (status === "ready" && was !== "loading" && was !== "ready") setSpoken(endText(agent, agentName))
  }, [status, waits.length])

  return (
    <p class="visually-hidden" role="status">
      {spoken}
    </p>
  )
}

function waitText({ waits }: Agent): string {
  const [wait] = waits
  if (wait === undefined) return ""
  if (wait.kind === "question") return `The tool ${wait.tool_name} asks: ${wait.message}`
  const need = wait.kind === "approval" ? "needs your approval" : "needs a result from you"
  return `The tool ${wait.tool_name} ${need}.`
}

function endText({ messages, ended }: Agent, agentName: string): string {
  if (ended?.outcome === "failed") return `The run failed. ${ended.error} ${ended.provider_message ?? ""}`
  const last = messages.at(-1)
  if (last?.role !== "assistant") return ""
  const text = last.parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join(" ")
  return `${agentName}: ${text.slice(0, maxSpoken)}`
}
