import type { ViewToolCall, ViewWait } from "ai-agent-gateway/client/view"
import type { Agent } from "ai-agent-gateway/react"
import type { ComponentChildren } from "preact"
import { useEffect, useState } from "preact/hooks"
import { formatDuration } from "../ui/format.ts"
import { Icon, type IconName } from "../ui/icons.tsx"
import { JsonView } from "../ui/json-view.tsx"
import { ToolOutput } from "./tool-output.tsx"
import { ToolResult } from "./tool-result.tsx"
import { WaitPanel } from "./wait-panel.tsx"

const words: Readonly<Record<ViewToolCall["state"], string>> = {
  writing: "Writing the arguments…",
  running: "Running…",
  waiting: "Waiting for you",
  completed: "Done",
  failed: "Failed",
  denied: "Denied",
  interrupted: "Interrupted",
}

const icons: Readonly<Record<ViewToolCall["state"], IconName>> = {
  writing: "tool",
  running: "tool",
  waiting: "hand",
  completed: "check",
  failed: "alert",
  denied: "close",
  interrupted: "stop",
}

export interface ToolCardProps {
  readonly call: ViewToolCall
  readonly wait: ViewWait | null
  readonly agent: Agent | null
  /** Content between the input and the result. */
  readonly children?: ComponentChildren
}

/** A tool call. The card is open while the call runs, and afterwards a line that can be opened. */
export function ToolCard({ call, wait, agent, children }: ToolCardProps) {
  const { tool_name, tool_input, draft, state, output, data, result, error, warning, duration_ms, server } =
    call
  const isActive = state === "writing" || state === "running" || state === "waiting"
  const [isOpen, setOpen] = useState(isActive)
  useEffect(() => {
    if (isActive) setOpen(true)
  }, [isActive])
  const hasInput = Object.keys(tool_input).length > 0

  return (
    // An article, because a message may have many cards of one name, and landmarks need names of their own.
    <article class={`tool-card ${state}`} aria-label={`Tool ${tool_name}: ${words[state]}`}>
      <button type="button" class="tool-head" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        <span class={`tool-mark ${state}`}>
          <Icon name={icons[state]} />
        </span>
        <span class="tool-name">{tool_name}</span>
        {server !== null && <span class="tag">{server}</span>}
        <span class="tool-summary">{isOpen ? "" : formatSummary(tool_input)}</span>
        <span class={`tool-state ${state}`}>
          {words[state]}
          {duration_ms !== null && state !== "denied" && ` · ${formatDuration(duration_ms)}`}
        </span>
        <Icon name="chevron" />
      </button>
      {isOpen && (
        <div class="tool-body">
          {hasInput && wait?.kind !== "approval" && <JsonView label="Input" value={tool_input} />}
          {draft !== null && <JsonView label="Input" value={draft} />}
          {data.map(({ name, value }) => (
            <JsonView key={name} label={name} value={value} />
          ))}
          {output.length > 0 && <ToolOutput output={output} isLive={isActive} />}
          {children}
          {error !== null && (
            <p class="tool-error">
              <strong>{error.code}</strong> {error.message}
            </p>
          )}
          {warning !== null && <p class="tool-warning">{warning}</p>}
          {(state === "completed" || (state === "failed" && error === null)) && (
            <ToolResult result={result} />
          )}
        </div>
      )}
      {wait !== null && agent !== null && <WaitPanel wait={wait} agent={agent} />}
    </article>
  )
}

function formatSummary(input: Readonly<Record<string, unknown>>): string {
  return Object.values(input)
    .map((value) => (typeof value === "string" ? value : JSON.stringify(value)))
    .join(" · ")
    .slice(0, 120)
}
