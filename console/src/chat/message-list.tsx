import type { ChatView, ViewMessage, ViewTask, ViewWait } from "ai-agent-gateway/client/view"
import type { Agent } from "ai-agent-gateway/react"
import type { EarlierPages } from "./earlier-pages.ts"
import type { ListWindow, PartRange } from "./list-window.ts"
import { Message, noSubAgents, noWaits } from "./message.tsx"
import { findCallId, listLastParts } from "./message-part.tsx"
import { WaitPanel } from "./wait-panel.tsx"

export interface MessageListProps {
  readonly sessionId: string
  readonly agent: Agent
  readonly earlier: EarlierPages
  readonly shown: ListWindow
  readonly agentName: string
  /** Puts the text of a message into the composer. */
  readonly onEdit: (text: string) => void
}

/** The messages within the window, and all open waits. */
export function MessageList({ sessionId, agent, earlier, shown, agentName, onEdit }: MessageListProps) {
  const { messages, waits, tasks, isRunning, notice } = agent
  const last = messages.at(-1)
  const rows = listRows([...earlier.pages, agent]).filter(
    ({ start, message }) => start < shown.to && start + countParts(message) > shown.from,
  )
  const isSilent = isRunning && waits.length === 0 && (notice !== null || !hasBegun(last))
  const hasEarlier =
    earlier.hasMore || rows[0] === undefined || rows[0].start < shown.from || rows[0].index > 0

  return (
    <div class="messages">
      {hasEarlier && rows.length > 0 && (
        <button
          type="button"
          class="show-earlier"
          aria-disabled={earlier.isLoading}
          onClick={shown.showEarlier}
        >
          {earlier.isLoading ? "Loading…" : "Show earlier messages"}
        </button>
      )}
      {earlier.problem !== null && (
        <p class="field-error" role="alert">
          Earlier messages could not be loaded: {earlier.problem}
        </p>
      )}
      {rows.map(({ key, message, start, view: { subAgents } }) => {
        const isLast = message === last
        return (
          <Message
            key={key}
            sessionId={sessionId}
            message={message}
            from={Math.max(0, shown.from - start)}
            to={Math.min(message.parts.length, shown.to - start)}
            agentName={agentName}
            isLive={isRunning && isLast}
            waits={isLast ? waits : noWaits}
            agent={isLast && waits.length > 0 ? agent : null}
            subAgents={message.role === "assistant" && subAgents.length > 0 ? subAgents : noSubAgents}
            onEdit={onEdit}
          />
        )
      })}
      {listOtherWaits(agent, rows, shown).map((wait) => (
        <article
          key={wait.tool_call_id}
          class="tool-card waiting"
          aria-label={`Request of ${wait.tool_name}`}
        >
          {wait.sub_agent_id !== undefined && (
            <p class="inbox-head">
              <span class="tag">Sub-agent</span>
              <span class="hint">{formatAsking(wait, tasks)}</span>
              <a href={`#/sessions/${wait.sub_agent_id}`}>Its log</a>
            </p>
          )}
          <WaitPanel wait={wait} agent={agent} />
        </article>
      ))}
      {isSilent && (
        <p class="working">
          <span class="pulse" aria-hidden="true" />
          {notice ?? `${agentName} is working…`}
        </p>
      )}
    </div>
  )
}

interface Row {
  readonly key: string
  readonly message: ViewMessage
  readonly view: ChatView
  /** Place among all loaded messages. */
  readonly index: number
  /** Number of its first part. */
  readonly start: number
}

/** Returns the range of all parts. Those of the last view have the numbers from 0. */
export function countRange(views: readonly ChatView[]): PartRange {
  const counts = views.map(({ messages }) => messages.reduce((sum, message) => sum + countParts(message), 0))
  const to = counts.at(-1) ?? 0
  return { from: to - counts.reduce((sum, count) => sum + count, 0), to }
}

function listRows(views: readonly ChatView[]): readonly Row[] {
  let start = countRange(views).from
  let index = 0
  return views.flatMap((view, at) =>
    view.messages.map((message) => {
      // Counted from the end, because earlier pages are put before the others.
      const row = { key: `${views.length - at}-${message.id}`, message, view, start, index }
      start += countParts(message)
      index += 1
      return row
    }),
  )
}

/** A message without parts takes a place too. */
function countParts({ parts }: ViewMessage): number {
  return Math.max(parts.length, 1)
}

/** Returns the waits whose calls are not shown in a message or in the conversation of a sub-agent. */
function listOtherWaits(
  { waits, subAgents, taskViews }: Agent,
  rows: readonly Row[],
  shown: PartRange,
): readonly ViewWait[] {
  if (waits.length === 0) return noWaits
  const ofRows = rows.flatMap(({ message: { parts }, start }) =>
    parts.slice(Math.max(0, shown.from - start), Math.max(0, shown.to - start)),
  )
  const views = [...subAgents.map(({ view }) => view), ...taskViews.values()]
  const calls = new Set(
    [...ofRows, ...views.flatMap((view) => listLastParts(view).map(({ part }) => part))].map(findCallId),
  )
  return waits.filter(({ tool_call_id }) => !calls.has(tool_call_id))
}

/** Returns true for a message of the assistant that ends with words or a call, and not with a mark. */
function hasBegun(message: ViewMessage | undefined): boolean {
  const type = message?.parts.at(-1)?.type
  return message?.role === "assistant" && type !== "compaction" && type !== "run_end"
}

function formatAsking({ sub_agent_id = "" }: ViewWait, tasks: readonly ViewTask[]): string {
  const task = tasks.find(({ sub_agent_ids }) => sub_agent_ids.includes(sub_agent_id))
  return task === undefined
    ? "A sub-agent of this run asks."
    : `The background task “${task.description}” asks.`
}
