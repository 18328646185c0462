import { describe, expect, it } from "vitest"
import { protectedRoutes } from "../wires/native/fixtures/protected-routes.ts"
import { createTestApp } from "./fixtures/test-app.ts"

interface Operation {
  readonly operationId: string
  readonly security: readonly object[]
  readonly responses: Readonly<Record<string, { readonly content?: object }>>
}

interface Document {
  readonly openapi: string
  readonly info: { readonly version: string }
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: {
    readonly schemas: object
    readonly securitySchemes: object
  }
}

const response = await createTestApp().fetch("/api/openapi.json")
const document = (await response.json()) as Document

const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ name: `${method} ${path}`, operation })),
)

describe("GET /openapi.json", () => {
  it("is OpenAPI 3.1 with this version", () => {
    expect(response.headers.get("content-type")).toBe("application/json")
    expect(document.openapi).toBe("3.1.0")
    expect(document.info.version).toBe("1.2.3")
  })

  it("names the public address as its server", async () => {
    const app = createTestApp({ publicUrl: "https://agents.example/gateway" })
    const { servers } = (await (await app.fetch("/api/openapi.json")).json()) as { servers: object }
    expect(servers).toEqual([{ url: "https://agents.example/gateway" }])
  })

  it("has every route, including itself", () => {
    expect(operations.map(({ name }) => name).sort()).toEqual([
      "delete /api/chat/grants",
      "get /api/chat/files/{path}",
      "get /api/chat/grants",
      "get /api/chat/history",
      "get /api/chat/subscribe",
      "get /api/chat/tasks",
      "get /api/chat/tasks/{id}",
      "get /api/chat/tasks/{id}/subscribe",
      "get /api/chat/waits",
      "get /api/health",
      "get /api/openapi.json",
      "get /api/ready",
      "get /api/sessions",
      "get /api/sessions/{id}",
      "post /api/agents/{name}/chat/init",
      "post /api/chat",
      "post /api/chat/cancel",
      "post /api/chat/elicitation",
      "post /api/chat/init",
      "post /api/chat/revoke",
      "post /api/chat/tasks/{id}/cancel",
      "post /api/chat/tasks/{id}/messages",
      "post /api/chat/tool-approval",
      "post /api/chat/tool-result",
    ])
  })

  it("documents the problems of each", () => {
    for (const { operation } of operations) {
      expect(Object.keys(operation.responses["500"]?.content ?? {})).toEqual(["application/problem+json"])
    }
  })

  it("states which routes need a token", () => {
    const secured = operations.filter(({ operation }) => operation.security.length > 0)
    // The routes that the tests of forged tokens cover.
    const tested = protectedRoutes.map(({ method, path }) => `${method.toLowerCase()} /api${path}`)
    expect(secured.map(({ name }) => name).sort()).toEqual(tested.sort())
    expect(document.components.securitySchemes).toHaveProperty("sessionToken.scheme", "bearer")
  })

  it("describes streams by their events", () => {
    const stream = document.paths["/api/chat"]?.post?.responses["200"]?.content
    expect(stream).toEqual({ "text/event-stream": { schema: { $ref: "#/components/schemas/EventFrame" } } })
    expect(document.components.schemas).toHaveProperty("EventFrame.properties.data", {
      type: "string",
      description: "A ChatEvent as JSON.",
      contentMediaType: "application/json",
      contentSchema: { $ref: "#/components/schemas/ChatEvent" },
    })
    expect(document.components.schemas).toHaveProperty("ChatEvent.oneOf")
  })

  it("is served under the prefix that it describes", async () => {
    const other = await createTestApp({ prefix: "/v2" }).fetch("/v2/openapi.json")
    expect(Object.keys(((await other.json()) as Document).paths)).toContain("/v2/chat")
  })
})
