import { useId, useState } from "preact/hooks"
import { FormFieldInput } from "./form-field.tsx"
import { listFields } from "./form-schema.ts"
import { toVisibleJson, toVisibleText } from "./visible-text.ts"

type Input = Readonly<Record<string, unknown>>

export interface InputEditorProps {
  /** The arguments as JSON text. */
  readonly text: string
  readonly original: Input
  /** JSON Schema of the arguments, if it is known. */
  readonly schema: Input | null
  readonly onChange: (text: string) => void
}

/** Edits the arguments of a call: one field for each argument and each property of the schema, or the whole JSON. */
export function InputEditor({ text, original, schema, onChange }: InputEditorProps) {
  const [isJson, setJson] = useState(Object.keys(original).length === 0)
  const id = useId()
  const parsed = parseInput(text)
  const current = typeof parsed === "string" ? null : parsed
  const fields = ((schema === null ? null : listFields(schema)) ?? []).filter(
    ({ name }) => !hasHiddenText(original[name]),
  )
  const set = (name: string, value: unknown) => {
    const { [name]: _, ...others } = current ?? original
    onChange(toVisibleJson(value === undefined ? others : { ...others, [name]: value }))
  }

  return (
    <fieldset class="editor">
      <legend>Arguments</legend>
      {isJson || current === null ? (
        <textarea
          aria-label="Arguments as JSON"
          class="code-field"
          rows={Math.min(16, text.split("\n").length + 1)}
          spellcheck={false}
          value={text}
          onInput={(event) => onChange(event.currentTarget.value)}
        />
      ) : (
        <>
          {fields.map((field) => (
            <FormFieldInput
              key={field.name}
              field={field}
              value={current[field.name]}
              onChange={(value) => set(field.name, value)}
            />
          ))}
          {Object.entries(current)
            .filter(([name]) => fields.every((field) => field.name !== name))
            .map(([name, value]) => (
              <Field
                key={name}
                id={`${id}-${name}`}
                name={name}
                value={value}
                isJson={hasHiddenText(original[name])}
                onChange={(changed) => set(name, changed)}
              />
            ))}
        </>
      )}
      <button type="button" class="link" onClick={() => setJson(!isJson)} disabled={current === null}>
        {isJson ? "Edit as fields" : "Edit as JSON"}
      </button>
    </fieldset>
  )
}

interface FieldProps {
  readonly id: string
  readonly name: string
  readonly value: unknown
  readonly onChange: (value: unknown) => void
}

/** Returns true for a text that a field could only show with parts that cannot be seen. */
function hasHiddenText(value: unknown): boolean {
  return typeof value === "string" && toVisibleText(value) !== value
}

interface ChosenFieldProps extends FieldProps {
  /** If true, the value is edited as JSON, whatever it is. */
  readonly isJson: boolean
}

function Field({ isJson, ...props }: ChosenFieldProps) {
  const { name, value, onChange } = props
  if (isJson) return <JsonField {...props} />
  if (typeof value === "boolean") {
    return (
      <label class="check">
        <input type="checkbox" checked={value} onChange={(event) => onChange(event.currentTarget.checked)} />
        {name}
      </label>
    )
  }
  if (typeof value === "number") {
    return (
      <label>
        {name}
        <input
          type="number"
          step="any"
          value={value}
          onChange={(event) => onChange(event.currentTarget.valueAsNumber || 0)}
        />
      </label>
    )
  }
  if (typeof value === "string") {
    return (
      <label>
        {name}
        <textarea
          rows={Math.min(8, value.split("\n").length)}
          value={value}
          onInput={(event) => onChange(event.currentTarget.value)}
        />
      </label>
    )
  }
  return <JsonField {...props} />
}

/** A field for a list or an object. It keeps the former value while its text is not valid JSON. */
function JsonField({ id, name, value, onChange }: FieldProps) {
  const [text, setText] = useState(() => toVisibleJson(value))
  const [isWrong, setWrong] = useState(false)
  return (
    <label>
      {name} (JSON)
      <textarea
        class="code-field"
        rows={Math.min(8, text.split("\n").length)}
        spellcheck={false}
        value={text}
        aria-invalid={isWrong}
        aria-describedby={isWrong ? id : undefined}
        onInput={(event) => {
          setText(event.currentTarget.value)
          const parsed = parseJson(event.currentTarget.value)
          setWrong(parsed === undefined)
          if (parsed !== undefined) onChange(parsed)
        }}
      />
      {isWrong && (
        <span id={id} class="field-error">
          This is not valid JSON, so the former value is kept.
        </span>
      )}
    </label>
  )
}

/** Returns the arguments, or a message about the problem with the text. */
export function parseInput(text: string): Input | string {
  const value = parseJson(text)
  if (value === undefined) return "The arguments are not valid JSON."
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return "The arguments must be a JSON object."
  return value as Input
}

/** Returns undefined for text that is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
