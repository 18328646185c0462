/** The part of an OpenAPI 3.1 document that the pages show. */
export interface ApiDocument {
  readonly tags: readonly { readonly name: string; readonly description: string }[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Schemas }
}

export type Schemas = Readonly<Record<string, Schema>>

export interface Operation {
  readonly operationId: string
  readonly summary: string
  readonly description?: string
  readonly tags: readonly string[]
  readonly security: readonly object[]
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: { readonly required?: boolean; readonly content: Content }
  readonly responses: Readonly<Record<string, ApiResponse>>
}

export interface Parameter {
  readonly name: string
  readonly in: string
  readonly required?: boolean
  readonly description?: string
  readonly schema: Schema
}

export interface ApiResponse {
  readonly description: string
  readonly headers?: Readonly<Record<string, { readonly description?: string; readonly schema: Schema }>>
  readonly content?: Content
}

/** Schemas by media type. */
type Content = Readonly<Record<string, { readonly schema: Schema }>>

/** The part of JSON Schema 2020-12 that the document uses. */
export interface Schema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly format?: string
  readonly description?: string
  readonly example?: unknown
  readonly default?: unknown
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly pattern?: string
  readonly minLength?: number
  readonly maxLength?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly minItems?: number
  readonly maxItems?: number
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | Schema
  readonly items?: Schema
  readonly oneOf?: readonly Schema[]
  readonly anyOf?: readonly Schema[]
  readonly allOf?: readonly Schema[]
}

/** Returns the name of the component that the schema refers to. */
export function referenceOf(schema: Schema): string | undefined {
  // A description beside a reference is written as an `allOf`.
  const reference = schema.$ref ?? schema.allOf?.find(({ $ref }) => $ref !== undefined)?.$ref
  return reference?.slice(reference.lastIndexOf("/") + 1)
}

/** Returns the schema itself, or the component that it refers to. */
export function resolveSchema(schema: Schema, schemas: Schemas): Schema {
  const name = referenceOf(schema)
  if (name === undefined) return schema
  const component = schemas[name]
  if (component === undefined) throw new Error(`The OpenAPI document has no component ${name}.`)
  return component
}
