import { useId, useState } from "preact/hooks"
import { parseJson } from "./input-editor.tsx"

export interface ClientToolOutcome {
  readonly result?: unknown
  readonly error?: { readonly code: string; readonly message: string }
}

export interface ClientToolFormProps {
  readonly request: { readonly tool_name: string }
  readonly isSending: boolean
  readonly problem: string | null
  readonly onSubmit: (outcome: ClientToolOutcome) => void
}

/** Lets the operator type the result of a client tool call. Text that is not JSON is sent as a string. */
export function ClientToolForm({ request, isSending, problem, onSubmit }: ClientToolFormProps) {
  const [text, setText] = useState("")
  const titleId = useId()
  const sendResult = () => {
    const value = parseJson(text)
    onSubmit({ result: value === undefined ? text : value })
  }
  return (
    <form class="wait" onSubmit={(event) => event.preventDefault()}>
      <p class="wait-title" id={titleId}>
        <strong>{request.tool_name}</strong> runs in the client. Write its result.
      </p>
      <label>
        Result: JSON or text
        <textarea
          class="code-field"
          rows={3}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
      {problem !== null && (
        <p class="field-error" role="alert">
          {problem}
        </p>
      )}
      <div class="actions">
        <button
          type="submit"
          class="primary"
          disabled={isSending}
          aria-describedby={titleId}
          onClick={sendResult}
        >
          Send result
        </button>
        <button
          type="button"
          class="danger"
          disabled={isSending}
          onClick={() =>
            onSubmit({
              error: { code: "client_failed", message: text.trim() || "The client could not do it." },
            })
          }
        >
          Report failure
        </button>
      </div>
    </form>
  )
}
