import { useId } from "preact/hooks"
import type { FormField } from "./form-schema.ts"

export interface FormFieldInputProps {
  readonly field: FormField
  readonly value: unknown
  /** Called with the new value; undefined for an empty field. */
  readonly onChange: (value: unknown) => void
}

/** One field of a form. The browser validates as much as it can, and the gateway validates the whole form. */
export function FormFieldInput({ field, value, onChange }: FormFieldInputProps) {
  const { name, label, description, isRequired, kind } = field
  const hintId = useId()
  const describedBy = description === null ? undefined : hintId
  const hint = description !== null && (
    <span id={hintId} class="hint">
      {description}
    </span>
  )
  const common = { name, "aria-describedby": describedBy, required: isRequired }

  switch (kind.type) {
    case "boolean":
      return (
        <label class="check">
          <input
            type="checkbox"
            name={name}
            aria-describedby={describedBy}
            checked={value === true}
            onChange={(event) => onChange(event.currentTarget.checked)}
          />
          <span>
            {label} {hint}
          </span>
        </label>
      )
    case "choice":
      return (
        <label>
          <Label text={label} isRequired={isRequired} />
          <select
            {...common}
            value={String(value ?? "")}
            onChange={(event) => onChange(event.currentTarget.value || undefined)}
          >
            <option value="">Choose…</option>
            {kind.options.map((option) => (
              <option key={option.value} value={option.value}>
                {option.label}
              </option>
            ))}
          </select>
          {hint}
        </label>
      )
    case "choices": {
      const chosen = Array.isArray(value) ? (value as string[]) : []
      return (
        <fieldset>
          <legend>
            <Label text={label} isRequired={isRequired} />
          </legend>
          {hint}
          {kind.options.map((option) => (
            <label key={option.value} class="check">
              <input
                type="checkbox"
                checked={chosen.includes(option.value)}
                onChange={(event) => {
                  const others = chosen.filter((each) => each !== option.value)
                  onChange(event.currentTarget.checked ? [...others, option.value] : others)
                }}
              />
              {option.label}
            </label>
          ))}
        </fieldset>
      )
    }
    case "number":
      return (
        <label>
          <Label text={label} isRequired={isRequired} />
          <input
            {...common}
            type="number"
            step={kind.isInteger ? 1 : "any"}
            min={kind.min ?? undefined}
            max={kind.max ?? undefined}
            value={typeof value === "number" ? value : ""}
            onInput={(event) => {
              const { valueAsNumber } = event.currentTarget
              onChange(Number.isNaN(valueAsNumber) ? undefined : valueAsNumber)
            }}
          />
          {hint}
        </label>
      )
    case "text":
      return (
        <label>
          <Label text={label} isRequired={isRequired} />
          <input
            {...common}
            // The types of JSX elements do not allow an input type that is known only at run time.
            type={kind.inputType as "text"}
            maxLength={kind.maxLength ?? undefined}
            pattern={kind.pattern ?? undefined}
            value={toShownText(kind.inputType, value)}
            onInput={(event) => onChange(toFormText(kind.inputType, event.currentTarget.value))}
          />
          {hint}
        </label>
      )
  }
}

function Label({ text, isRequired }: { readonly text: string; readonly isRequired: boolean }) {
  return (
    <span>
      {text}
      {!isRequired && <span class="hint"> (optional)</span>}
    </span>
  )
}

/**
 * Returns the text for the form. JSON Schema requires a time zone in a date with a time, but the browser's field
 * contains the local time without one.
 */
function toFormText(inputType: string, text: string): string | undefined {
  if (text === "") return undefined
  return inputType === "datetime-local" ? new Date(text).toISOString() : text
}

function toShownText(inputType: string, value: unknown): string {
  if (typeof value !== "string") return ""
  if (inputType !== "datetime-local") return value
  const date = new Date(value)
  if (Number.isNaN(date.getTime())) return ""
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16)
}
