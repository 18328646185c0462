import { AjvJsonSchemaValidator } from "@modelcontextprotocol/client/validators/ajv"
import { createParser } from "eventsource-parser"
import type { JsonObject } from "../../src/core/json/json.ts"

export interface OpenApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, JsonObject>> }
}

interface Operation {
  readonly responses: Readonly<Record<string, DocumentedResponse>>
}

interface DocumentedResponse {
  /** Explains the codes of problems. */
  readonly description: string
  readonly headers?: JsonObject
  readonly content?: Readonly<Record<string, { readonly schema: JsonObject }>>
}

export interface Answer {
  readonly status: number
  /** Code of a problem document, or null. */
  readonly code: string | null
  /** The JSON of the body, or of each frame of a stream. */
  readonly bodies: readonly Record<string, unknown>[]
}

export interface Contract {
  /** Every documented status of every route, in the form `POST /chat 200`. */
  readonly documented: readonly string[]
  /** Rejects if the document does not describe this response of this route. Reads the body. */
  check(operation: { readonly method: string; readonly path: string }, response: Response): Promise<Answer>
}

/** Checks responses against an OpenAPI document. Fields that are not in the document are violations. */
export function openApiContract(document: OpenApiDocument, prefix: string): Contract {
  const validator = new AjvJsonSchemaValidator()
  const components = closed(document.components)
  const validators = new Map<JsonObject, ReturnType<AjvJsonSchemaValidator["getValidator"]>>()
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      return { name: `${method.toUpperCase()} ${path.slice(prefix.length)}`, operation }
    }),
  )

  function validate(schema: JsonObject, body: unknown, what: string): void {
    const known = validators.get(schema)
    const check = known ?? validator.getValidator({ ...closed(schema), components } as JsonSchema)
    validators.set(schema, check)
    const result = check(body)
    if (!result.valid) throw new Error(`${what}: ${result.errorMessage} in ${JSON.stringify(body)}`)
  }

  return {
    documented: operations.flatMap(({ name, operation }) =>
      Object.keys(operation.responses).map((status) => `${name} ${status}`),
    ),
    async check({ method, path }, response) {
      const name = `${method} ${path}`
      const what = `${name} ${response.status}`
      const operation = operations.find((candidate) => candidate.name === name)?.operation
      const expected = operation?.responses[response.status]
      const text = await response.text()
      if (expected === undefined) throw new Error(`${what} is not documented: ${text}`)
      for (const header of Object.keys(expected.headers ?? {})) {
        if (!response.headers.has(header)) throw new Error(`${what} has no header ${header}.`)
      }
      if (expected.content === undefined) {
        if (text !== "") throw new Error(`${what} has a body: ${text}`)
        return { status: response.status, code: null, bodies: [] }
      }
      const type = response.headers.get("content-type") ?? ""
      const schema = expected.content[type]?.schema
      if (schema === undefined) throw new Error(`${what} does not come as ${type}.`)
      const streams = type === "text/event-stream"
      const bodies = streams ? framesOf(text) : [JSON.parse(text)]
      for (const body of bodies) validate(streams ? eventSchema(document, schema) : schema, body, what)
      const code = type === "application/problem+json" ? String(bodies[0]?.code) : null
      if (code !== null && !expected.description.includes(`\`${code}\``)) {
        throw new Error(`${what} is not documented with the code ${code}.`)
      }
      return { status: response.status, code, bodies }
    },
  }
}

/** Returns the schema of the JSON in a frame. */
function eventSchema({ components }: OpenApiDocument, frame: JsonObject): JsonObject {
  const name = String(frame.$ref).replace("#/components/schemas/", "")
  const { data } = Object(components.schemas[name]?.properties)
  return data.contentSchema
}

function framesOf(text: string): Record<string, unknown>[] {
  const frames: Record<string, unknown>[] = []
  const parser = createParser({ onEvent: ({ data }) => frames.push(JSON.parse(data)) })
  parser.feed(text)
  return frames
}

type JsonSchema = Parameters<AjvJsonSchemaValidator["getValidator"]>[0]

/** Returns the same schema with objects that allow only the named fields. */
function closed(schema: object): object {
  const members = Object.entries(schema).map(([key, value]) => [key, isSchema(value) ? closed(value) : value])
  if (Array.isArray(schema)) return members.map(([, value]) => value)
  const named = "properties" in schema && !("additionalProperties" in schema)
  return { ...Object.fromEntries(members), ...(named ? { additionalProperties: false } : {}) }
}

function isSchema(value: unknown): value is object {
  return typeof value === "object" && value !== null
}
