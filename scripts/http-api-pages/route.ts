import { type ApiDocument, type ApiResponse, type Operation, resolveSchema } from "./document.ts"
import { exampleOf } from "./example.ts"
import { boundsOf, describeSchema, typeOf } from "./fields.ts"
import { block, code, plain, table } from "./markdown.ts"

/** A route of the document, with its path below the prefix. */
export interface Route {
  readonly method: string
  readonly path: string
  readonly operation: Operation
}

/** Returns the section of a route: what it does, what it takes and returns, its errors, and an example. */
export function routeSection(route: Route, document: ApiDocument): string {
  const { method, path, operation } = route
  const parts = [
    `## ${method} ${path}`,
    `${sentence(operation.summary)} ${plain(operation.description ?? "")}`.trim(),
    `**Authentication**: ${authentication(operation)}`,
    ...parameters(operation),
    ...requestBody(operation, document),
    ...success(operation, document),
    "**Errors**",
    errors(operation),
    "**Example**",
    block("sh", requestExample(route, document)),
    ...responseExample(operation, document),
  ]
  return parts.join("\n\n")
}

function sentence(text: string): string {
  return `${plain(text)}${/[.:]$/.test(text) ? "" : "."}`
}

function authentication({ security }: Operation): string {
  if (security.length === 0) return "none."
  return "the session token, as `Authorization: Bearer …`."
}

function parameters({ parameters = [] }: Operation): readonly string[] {
  if (parameters.length === 0) return []
  const rows = parameters.map((parameter) => [
    code(parameter.name),
    parameter.in,
    typeOf(parameter.schema) + boundsOf(parameter.schema),
    parameter.required ? "required" : "optional",
    plain(parameter.description ?? ""),
  ])
  return ["**Parameters**", table(["name", "in", "type", "", "description"], rows)]
}

function requestBody({ requestBody }: Operation, { components }: ApiDocument): readonly string[] {
  return Object.entries(requestBody?.content ?? {}).flatMap(([type, { schema }]) => {
    const presence = requestBody?.required ? "" : ", optional"
    const own = resolveSchema(schema, components.schemas)
    return [
      `**Request body** (${code(type)}${presence}): ${typeOf(schema)}`,
      ...about(own.description),
      describeSchema(own),
    ]
  })
}

function success({ responses }: Operation, { components }: ApiDocument): readonly string[] {
  return Object.entries(responses)
    .filter(([status]) => status.startsWith("2") || status.startsWith("3"))
    .flatMap(([status, response]) => [
      `**Response ${status}**: ${plain(response.description)}`,
      ...headers(response),
      ...Object.entries(response.content ?? {}).flatMap(([type, { schema }]) => {
        const own = resolveSchema(schema, components.schemas)
        return [`${code(type)}: ${typeOf(schema)}`, ...(own.properties ? [describeSchema(own)] : [])]
      }),
    ])
}

function headers({ headers = {} }: ApiResponse): readonly string[] {
  const rows = Object.entries(headers).map(([name, { schema, description }]) => [
    code(name),
    typeOf(schema),
    plain(description ?? ""),
  ])
  return rows.length === 0 ? [] : [table(["header", "type", "description"], rows)]
}

function errors({ responses }: Operation): string {
  const rows = Object.entries(responses)
    .filter(([status]) => /^[45]/.test(status))
    .map(([status, { description }]) => [status, plain(description)])
  return table(["status", "meaning"], rows)
}

function about(description: string | undefined): readonly string[] {
  return description === undefined ? [] : [plain(description)]
}

function requestExample({ method, path, operation }: Route, { components }: ApiDocument): string {
  const [body] = Object.values(operation.requestBody?.content ?? {})
  const streams = Object.keys(operation.responses["200"]?.content ?? {}).includes("text/event-stream")
  const parts = [
    `curl${streams ? " -N" : ""}${method === "GET" ? "" : ` -X ${method}`} http://127.0.0.1:8000/api${exampleOfPath(path)}`,
    ...(operation.security.length === 0 ? [] : [`-H "authorization: Bearer $TOKEN"`]),
    ...(body === undefined
      ? []
      : [
          "-H 'content-type: application/json'",
          `-d '${JSON.stringify(exampleOf(body.schema, components.schemas)).replaceAll("'", "'\\''")}'`,
        ]),
  ]
  return parts.join(" \\\n  ")
}

function exampleOfPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => name.toUpperCase())
}

function responseExample({ responses }: Operation, { components }: ApiDocument): readonly string[] {
  const response = responses["200"] ?? responses["201"] ?? responses["202"]
  const json = response?.content?.["application/json"]
  if (json !== undefined)
    return [block("json", JSON.stringify(exampleOf(json.schema, components.schemas), null, 2))]
  if (response?.content?.["text/event-stream"] === undefined) return []
  return [block("text", frames.join("\n"))]
}

const frames = [
  'id: 1000000003\ndata: {"type":"text_delta","text":"Paris."}\n',
  'id: 1000000008\ndata: {"type":"stream_complete","usage":{…},"terminal_disposition":"completed"}',
]
