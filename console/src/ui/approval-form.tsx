import type { Approval } from "ai-agent-gateway/client"
import { useId, useState } from "preact/hooks"
import { formatTimeLeft } from "./format.ts"
import { InputEditor, parseInput } from "./input-editor.tsx"
import { JsonView } from "./json-view.tsx"
import { toVisibleJson } from "./visible-text.ts"

type Input = Readonly<Record<string, unknown>>

export interface ApprovalRequest {
  readonly tool_name: string
  readonly tool_input: Input
  readonly server: string | null
  readonly resolved_qualifier: string | null
  readonly reason: string | null
  /** Time in seconds since the Unix epoch. */
  readonly expires_at: number
}

export interface ApprovalFormProps {
  readonly request: ApprovalRequest
  readonly isSending: boolean
  readonly problem: string | null
  /** Resolves to the JSON Schema of the tool's arguments. Called when the operator edits them. */
  readonly loadSchema: () => Promise<Input | null>
  readonly onAnswer: (approval: Approval) => void
}

/** Allows a call, with edited arguments if necessary, or denies it with a reason for the model. */
export function ApprovalForm({ request, isSending, problem, loadSchema, onAnswer }: ApprovalFormProps) {
  const { tool_name, tool_input, server, resolved_qualifier, reason, expires_at } = request
  const [mode, setMode] = useState<"ask" | "edit" | "deny">("ask")
  const [text, setText] = useState(() => toVisibleJson(tool_input))
  const [denial, setDenial] = useState("")
  const [misfit, setMisfit] = useState<string | null>(null)
  const [schema, setSchema] = useState<Input | null>(null)
  /** The mode in which the answer was sent that the gateway refused. */
  const [sentMode, setSentMode] = useState<typeof mode>("ask")
  const titleId = useId()

  const send = (approval: Approval) => {
    setSentMode(mode)
    onAnswer(approval)
  }
  const back = () => {
    setMode("ask")
    setMisfit(null)
  }
  const edit = () => {
    setMode("edit")
    // Without a schema, the existing arguments can still be edited.
    loadSchema().then(setSchema, () => setSchema(null))
  }

  const sendEdited = () => {
    const parsed = parseInput(text)
    if (typeof parsed === "string") return setMisfit(parsed)
    setMisfit(null)
    send({ approved: true, input: parsed })
  }
  const shown = misfit ?? (sentMode === mode ? problem : null)

  return (
    <form class="wait" onSubmit={(event) => event.preventDefault()}>
      <p class="wait-title" id={titleId}>
        Allow <strong>{tool_name}</strong>
        {server !== null && ` of the MCP server ${server}`}
        {resolved_qualifier !== null && (
          <>
            {" "}
            for <code>{resolved_qualifier}</code>
          </>
        )}
        ?
      </p>
      {reason !== null && <p class="hint">{reason}</p>}
      <p class="hint">
        The run waits for your answer for up to {formatTimeLeft(Math.max(expires_at * 1_000 - Date.now(), 0))}
        .
      </p>
      {mode === "edit" ? (
        <InputEditor text={text} original={tool_input} schema={schema} onChange={setText} />
      ) : (
        <JsonView label="Arguments" value={tool_input} />
      )}
      {mode === "deny" && (
        <label>
          Reason, which the model receives
          <input
            value={denial}
            ref={focus}
            onInput={(event) => setDenial(event.currentTarget.value)}
            placeholder="For example: use the staging folder instead"
          />
        </label>
      )}
      {/* The validator names the arguments as a whole `data`. */}
      {shown !== null && (
        <p class="field-error" role="alert">
          {shown.replaceAll(/\bdata\//g, "")}
        </p>
      )}
      <div class="actions">
        {mode === "ask" && (
          <>
            <button
              type="submit"
              class="primary"
              disabled={isSending}
              aria-describedby={titleId}
              onClick={() => send({ approved: true })}
            >
              Allow
            </button>
            <button
              type="button"
              disabled={isSending}
              onClick={() => send({ approved: true, remember: true })}
            >
              Allow for this session
            </button>
            <button type="button" disabled={isSending} onClick={edit}>
              Edit
            </button>
            <button type="button" class="danger" disabled={isSending} onClick={() => setMode("deny")}>
              Deny
            </button>
          </>
        )}
        {mode === "edit" && (
          <button type="submit" class="primary" disabled={isSending} onClick={sendEdited}>
            Allow with these arguments
          </button>
        )}
        {mode === "deny" && (
          <button
            type="submit"
            class="danger"
            disabled={isSending}
            onClick={() => send({ approved: false, ...(denial.trim() !== "" && { reason: denial.trim() }) })}
          >
            Deny the call
          </button>
        )}
        {mode !== "ask" && (
          <button type="button" disabled={isSending} onClick={back}>
            Back
          </button>
        )}
      </div>
    </form>
  )
}

function focus(element: HTMLElement | null): void {
  element?.focus()
}
