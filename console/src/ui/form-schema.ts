import { toVisibleText } from "./visible-text.ts"

/** One field of a form, as a property of a JSON Schema describes it. */
export interface FormField {
  readonly name: string
  readonly label: string
  readonly description: string | null
  readonly isRequired: boolean
  /** Initial value. Undefined for an empty field. */
  readonly initial: unknown
  readonly kind: FieldKind
}

export type FieldKind =
  | {
      readonly type: "text"
      readonly inputType: InputType
      readonly maxLength: number | null
      readonly pattern: string | null
    }
  | {
      readonly type: "number"
      readonly isInteger: boolean
      readonly min: number | null
      readonly max: number | null
    }
  | { readonly type: "boolean" }
  | {
      readonly type: "choice" | "choices"
      readonly options: readonly { readonly value: string; readonly label: string }[]
    }

type Schema = Readonly<Record<string, unknown>>

export type InputType = "text" | "email" | "url" | "date" | "datetime-local" | "password"

const inputTypes: Readonly<Record<string, InputType>> = {
  email: "email",
  uri: "url",
  date: "date",
  "date-time": "datetime-local",
  password: "password",
}

/**
 * Returns the fields of an object's schema. Returns null if a property cannot be a field; the form is then edited as
 * JSON.
 */
export function listFields(schema: Schema): readonly FormField[] | null {
  const properties = isObject(schema.properties) ? schema.properties : {}
  const required = Array.isArray(schema.required) ? schema.required : []
  const fields = Object.entries(properties).map(([name, property]) => {
    return isObject(property) ? toField(name, property, required.includes(name)) : null
  })
  return fields.includes(null) ? null : (fields as FormField[])
}

function toField(name: string, property: Schema, isRequired: boolean): FormField | null {
  const kind = findKind(property)
  if (kind === null) return null
  return {
    name,
    label: formatValue(property.title) ?? name,
    description: formatValue(property.description),
    isRequired,
    initial: findInitial(property.default, kind, isRequired),
    kind,
  }
}

function findInitial(value: unknown, { type }: FieldKind, isRequired: boolean): unknown {
  // The form sends what it shows.
  if (type === "text" && typeof value === "string") return toVisibleText(value)
  // An unchecked box of a required property means false, so that value is sent.
  return value ?? (type === "boolean" && isRequired ? false : undefined)
}

function findKind(property: Schema): FieldKind | null {
  const options = listOptions(property)
  if (options !== null) return { type: "choice", options }
  switch (property.type) {
    case "string":
      return {
        type: "text",
        inputType: inputTypes[String(property.format)] ?? "text",
        maxLength: numberOf(property.maxLength),
        pattern: formatValue(property.pattern),
      }
    case "number":
    case "integer":
      return {
        type: "number",
        isInteger: property.type === "integer",
        min: numberOf(property.minimum),
        max: numberOf(property.maximum),
      }
    case "boolean":
      return { type: "boolean" }
    case "array": {
      const items = isObject(property.items) ? listOptions(property.items) : null
      return items === null ? null : { type: "choices", options: items }
    }
    default:
      return null
  }
}

/** Returns the choices of a property. They are an `enum` (with `enumNames`), or a `oneOf` or `anyOf` with titles. */
function listOptions(property: Schema) {
  const { enum: values, enumNames: names, oneOf, anyOf } = property
  if (Array.isArray(values) && values.every((value) => typeof value === "string")) {
    return values.map((value, index) => ({
      value,
      label: (Array.isArray(names) && formatValue(names[index])) || value,
    }))
  }
  const titled = oneOf ?? anyOf
  if (!Array.isArray(titled)) return null
  const options = titled.map((option) => {
    const value = isObject(option) ? formatValue(option.const) : null
    return value === null ? null : { value, label: formatValue((option as Schema).title) ?? value }
  })
  return options.includes(null) ? null : (options as { value: string; label: string }[])
}

function isObject(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}

function formatValue(value: unknown): string | null {
  return typeof value === "string" ? value : null
}

function numberOf(value: unknown): number | null {
  return typeof value === "number" ? value : null
}
