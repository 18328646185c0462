import type { ApiDocument, Schema } from "./document.ts"
import { describeSchema } from "./fields.ts"
import { plain } from "./markdown.ts"
import { type Route, routeSection } from "./route.ts"

const prefix = "/api"
const note = [
  "This page is made from the OpenAPI document that the gateway serves at `GET /openapi.json`.",
  "Paths are relative to the prefix, which is `/api` by default.",
  "The [guide to the HTTP API](/docs/http-api.md) explains how the routes work together.",
].join(" ")

/** Returns the pages of the HTTP API in Markdown by file name: one for each tag, the events, and the schemas. */
export function httpApiPages(document: ApiDocument): Readonly<Record<string, string>> {
  const routes = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]): Route => {
      return { method: method.toUpperCase(), path: path.slice(prefix.length), operation }
    }),
  )
  const pages = document.tags.map(({ name, description }) => {
    const own = routes.filter(({ operation }) => operation.tags.includes(name))
    return [
      `${name}.md`,
      page(`HTTP API: ${name}`, [
        plain(description),
        contents(own),
        ...own.map((route) => routeSection(route, document)),
      ]),
    ] as const
  })
  const described = new Set(document.tags.map(({ name }) => name))
  const lost = routes.filter(({ operation }) => !operation.tags.some((tag) => described.has(tag)))
  if (lost.length > 0)
    throw new Error(`Routes without a described tag: ${lost.map(({ path }) => path).join(", ")}`)
  return {
    ...Object.fromEntries(pages),
    "events.md": page("HTTP API: events", eventSections(document)),
    "schemas.md": page("HTTP API: schemas", schemaSections(document)),
  }
}

function page(title: string, sections: readonly string[]): string {
  return `${[`# ${title}`, note, ...sections].join("\n\n")}\n`
}

function contents(routes: readonly Route[]): string {
  return routes
    .map(({ method, path, operation }) => {
      const anchor = `${method} ${path}`
        .toLowerCase()
        .replaceAll(/[^\w\s-]/g, "")
        .replaceAll(" ", "-")
      return `- [${method} ${path}](#${anchor}): ${plain(operation.summary)}.`
    })
    .join("\n")
}

function eventSections({ components }: ApiDocument): readonly string[] {
  const { description = "", oneOf = [] } = components.schemas.ChatEvent as Schema
  const sections = oneOf.map((event) => {
    const name = String(event.properties?.type?.enum?.[0])
    return [`## ${name}`, plain(event.description ?? ""), describeSchema(event)].join("\n\n")
  })
  return [plain(description), ...sections]
}

function schemaSections({ components }: ApiDocument): readonly string[] {
  const named = Object.entries(components.schemas).filter(([name]) => name !== "ChatEvent")
  return named.map(([name, schema]) =>
    [
      `## ${name}`,
      ...(schema.description === undefined ? [] : [plain(schema.description)]),
      describeSchema(schema),
    ].join("\n\n"),
  )
}
