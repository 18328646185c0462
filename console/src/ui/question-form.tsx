import { useId, useState } from "preact/hooks"
import { toSafeAddress } from "../markdown/safe-address.ts"
import { FormFieldInput } from "./form-field.tsx"
import { type FormField, listFields } from "./form-schema.ts"
import { parseInput } from "./input-editor.tsx"

export interface QuestionRequest {
  readonly tool_name: string
  readonly server: string | null
  readonly mode: "form" | "url"
  readonly message: string
  readonly schema?: Readonly<Record<string, unknown>> | undefined
  readonly url?: string | undefined
}

export interface QuestionFormProps {
  readonly request: QuestionRequest
  readonly isSending: boolean
  readonly problem: string | null
  /** Called with the form's values, or with `null` for a page, which has no form. */
  readonly onAnswer: (content: Readonly<Record<string, unknown>> | null) => void
  readonly onDecline: (dismissed: boolean) => void
}

/** A tool's question to the user: a form that is created from its schema, or a page to open. */
export function QuestionForm({ request, isSending, problem, onAnswer, onDecline }: QuestionFormProps) {
  const fields = listFields(request.schema ?? {})
  const [values, setValues] = useState<Readonly<Record<string, unknown>>>(() => listDefaults(fields ?? []))
  const [json, setJson] = useState("{}")
  const [misfit, setMisfit] = useState<string | null>(null)
  const titleId = useId()
  const shown = misfit ?? problem

  const send = (event: SubmitEvent) => {
    event.preventDefault()
    if (request.mode === "url") return onAnswer(null)
    if (fields !== null) return onAnswer(values)
    const parsed = parseInput(json)
    if (typeof parsed === "string") return setMisfit(parsed)
    setMisfit(null)
    onAnswer(parsed)
  }

  return (
    <form class="wait" onSubmit={send}>
      <p class="wait-title" id={titleId}>
        <strong>{request.server ?? request.tool_name}</strong> asks: {request.message}
      </p>
      {request.mode === "url" && <PageLink url={request.url ?? ""} />}
      {request.mode === "form" &&
        (fields === null ? (
          <label>
            Answer as JSON
            <textarea
              class="code-field"
              rows={5}
              value={json}
              onInput={(event) => setJson(event.currentTarget.value)}
            />
          </label>
        ) : (
          fields.map((field) => (
            <FormFieldInput
              key={field.name}
              field={field}
              value={values[field.name]}
              onChange={(value) => setValues(setValue(values, field.name, value))}
            />
          ))
        ))}
      {shown !== null && (
        <p class="field-error" role="alert">
          {shown}
        </p>
      )}
      <div class="actions">
        <button type="submit" class="primary" disabled={isSending} aria-describedby={titleId}>
          {request.mode === "url" ? "I have opened it" : "Send"}
        </button>
        <button type="button" disabled={isSending} onClick={() => onDecline(false)}>
          Decline
        </button>
        <button type="button" class="link" disabled={isSending} onClick={() => onDecline(true)}>
          Dismiss
        </button>
      </div>
    </form>
  )
}

function PageLink({ url }: { readonly url: string }) {
  const address = toSafeAddress(url)
  if (address === null) return <p class="field-error">The address cannot be opened: {url}</p>
  return (
    <p>
      <a href={address} target="_blank" rel="noopener noreferrer">
        Open {new URL(address).host}
      </a>{" "}
      <span class="hint">{address}</span>
    </p>
  )
}

function listDefaults(fields: readonly FormField[]): Readonly<Record<string, unknown>> {
  const fieldsWithDefault = fields.filter(({ initial }) => initial !== undefined)
  return Object.fromEntries(fieldsWithDefault.map(({ name, initial }) => [name, initial]))
}

/**
 * Sets a value. An emptied field is removed, because an empty value of an optional property may not match its schema.
 */
function setValue(values: Readonly<Record<string, unknown>>, name: string, value: unknown) {
  const { [name]: _, ...others } = values
  return value === undefined ? others : { ...others, [name]: value }
}
