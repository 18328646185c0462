/** The most expensive requests of one kind that a client can send to one route. */
export interface WorstRequests {
  /** Name such as `POST /chat/cancel: 4 MiB wide`. */
  readonly name: string
  readonly method: string
  readonly path: string
  /** Bodies that are sent in turn. Empty for requests without a body. */
  readonly bodies: readonly Buffer[]
}

export interface OpenApiPaths {
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

const megabytes4 = 4 * 1024 * 1024
/** Maximum size of a body on all routes except `POST /chat`. */
const ordinaryBytes = 256 * 1024
/** Maximum numbers of accepted levels and values, without those around the content. */
const levels = 60
const values = 19_900

/** Returns the worst requests to every route in the gateway's document, and additional ones to `POST /chat`. */
export function worstRequests({ paths }: OpenApiPaths, prefix: string): readonly WorstRequests[] {
  const requests: WorstRequests[] = []
  for (const [template, operations] of Object.entries(paths)) {
    for (const method of Object.keys(operations).map((name) => name.toUpperCase())) {
      const path = template.replaceAll(/\{\w+\}/g, "unknown")
      const name = `${method} ${template.slice(prefix.length)}`
      const add = (kind: string, bodies: readonly Buffer[]) =>
        requests.push({ name: kind === "" ? name : `${name}: ${kind}`, method, path, bodies })
      if (method === "GET" || method === "DELETE") {
        add("", [])
        continue
      }
      for (const [kind, body] of Object.entries(anyBodies)) add(kind, [body])
      if (template === `${prefix}/chat`) for (const [kind, bodies] of Object.entries(chats)) add(kind, bodies)
    }
  }
  // A session cannot be used after `revoke`, so these requests come last.
  const [others, revoking] = [false, true].map((isRevoking) =>
    requests.filter(({ path }) => path.endsWith("/revoke") === isRevoking),
  )
  return [...(others ?? []), ...(revoking ?? [])]
}

/**
 * Bodies that no route expects. They exceed a limit, which the gateway must detect, or are within all limits and have
 * a wrong type for each value.
 */
const anyBodies: Readonly<Record<string, Buffer>> = {
  "4 MiB, wide": Buffer.from(`{${members(megabytes4 / 12 - 10)}}`),
  "4 MiB, deep": Buffer.from(nested(megabytes4 / 2 - 10, "")),
  "4 MiB, long": Buffer.from(`{"message":"${"x".repeat(megabytes4 - 100)}"}`),
  "256 KiB, wide": Buffer.from(`{"tool_call_id":"call","nonce":"nonce",${members(values / 2)}}`),
  "256 KiB, deep": Buffer.from(`{"tool_input":${nested(levels, members(values / 2 - levels))}}`),
  "256 KiB, long": Buffer.from(
    `{"tool_call_id":"${"\\u0001".repeat(ordinaryBytes / 12)}","nonce":"${"x".repeat(ordinaryBytes / 3)}"}`,
  ),
}

/** Bytes for a text, without the members around it. */
const textBytes = megabytes4 - 1_000
const texts = [
  "All work and no play makes Jack a dull boy. ".repeat(textBytes / 44),
  '\n"\\'.repeat(textBytes / 6),
  "名".repeat(textBytes / 3),
  "\u0001".repeat(textBytes / 6),
].map((text) => JSON.stringify(text))

/** Bodies that `POST /chat` accepts, or refuses only after it has read all of them. */
const chats: Readonly<Record<string, readonly Buffer[]>> = {
  "4 MiB message": texts.map((text) => Buffer.from(`{"message":${text}}`)),
  "4 MiB history": texts.map((text, index) =>
    Buffer.from(
      `{"messages":[{"role":"user","content":${text}},{"role":"user","content":"Go on, number ${index}."}]}`,
    ),
  ),
  "4 MiB of blocks": [Buffer.from(blocks(3_900, `{"type":"text","text":"${"x".repeat(1_040)}"}`))],
  "4 MiB of messages": [
    Buffer.from(
      `{"messages":[${`{"role":"user","content":"${"x".repeat(700)}"},{"role":"assistant","content":"yes"},`.repeat(1_900)}{"role":"user","content":"Go on."}]}`,
    ),
  ],
  "4 MiB of wrong blocks": [Buffer.from(blocks(9_900, `{"type":"${"x".repeat(400)}"}`))],
  "4 MiB image": [
    Buffer.from(
      blocks(
        1,
        `{"type":"image","source":{"type":"base64","media_type":"image/png","data":"${"iVBORw0K".repeat(textBytes / 8)}"}}`,
      ),
    ),
  ],
  "64 KiB of context": [Buffer.from(`{"message":"Hello","context":{${members(4_500)}}}`)],
  "256 KiB of tools": [
    Buffer.from(
      `{"message":"Hello","tools":[${Array.from(
        { length: 30 },
        (_, index) =>
          `{"name":"tool_${index}","description":"A tool.","input_schema":{"type":"object","properties":{${properties(120)}}}}`,
      )}]}`,
    ),
  ],
}

function members(count: number): string {
  return Array.from({ length: count }, (_, index) => `"m${String(index).padStart(6, "0")}":1`).join(",")
}

function properties(count: number): string {
  return Array.from({ length: count }, (_, index) => `"p${index}":{"type":"string"}`).join(",")
}

function nested(depth: number, inner: string): string {
  return `${"[".repeat(depth)}${inner === "" ? "" : `{${inner}}`}${"]".repeat(depth)}`
}

function blocks(count: number, block: string): string {
  return `{"message":[${`${block},`.repeat(count)}{"type":"text","text":"Go on."}]}`
}
