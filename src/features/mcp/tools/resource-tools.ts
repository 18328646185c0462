import {
  type Client,
  type ContentBlock,
  type PromptMessage,
  ProtocolError,
  ProtocolErrorCode,
  type RequestOptions,
} from "@modelcontextprotocol/client"
import { GatewayError } from "../../../core/errors.ts"
import type { Json, JsonObject } from "../../../core/json/json.ts"
import type { Tool, ToolResult } from "../../../core/ports/tools/tool.ts"
import { longestTimerMs } from "../../../core/time/longest-timer.ts"
import { computeDigest } from "../identity/digest.ts"
import type { ServerHandle } from "../server.ts"
import { createLogMeta } from "../server-log.ts"
import { toContentParts, toPart, toResourcePart } from "./tool-result.ts"

interface Definition {
  readonly name: string
  readonly description: string
  /** Inputs in addition to the server's name. All are required texts, or objects of texts. */
  readonly input: Readonly<Record<string, "text" | "texts">>
  use(client: Client, input: Readonly<Record<string, unknown>>, request: RequestOptions): Promise<ToolResult>
}

/** Creates the tools for resources and prompts, as far as the configuration enables them. */
export function createResourceTools(servers: readonly ServerHandle[]): readonly Tool[] {
  const withResources = servers.filter(({ config }) => config.resources)
  const withPrompts = servers.filter(({ config }) => config.prompts)
  return [
    ...createServerTools(withResources, [listResources, readResource]),
    ...createServerTools(withPrompts, [listPrompts, getPrompt]),
  ]
}

const listResources: Definition = {
  name: "list_resources",
  description: "Lists the resources that a server offers, and the templates of further resources.",
  input: {},
  async use(client, _input, request) {
    const resources = await listOptional(
      async () => (await client.listResources(undefined, request)).resources,
    )
    const resourceTemplates = await listOptional(
      async () => (await client.listResourceTemplates(undefined, request)).resourceTemplates,
    )
    const shown = resources.map(({ uri, name, description, mimeType }) => ({
      uri,
      name,
      description,
      mimeType,
    }))
    const templates = resourceTemplates.map(({ uriTemplate, name, description, mimeType }) => ({
      uriTemplate,
      name,
      description,
      mimeType,
    }))
    return toJsonResult({ resources: shown, templates })
  },
}

const readResource: Definition = {
  name: "read_resource",
  description: "Reads a resource of a server, by its URI.",
  input: { uri: "text" },
  async use(client, { uri }, request) {
    const { contents } = await client.readResource({ uri: String(uri), ...createLogMeta(client) }, request)
    return { type: "content", content: toContentParts(contents, toResourcePart) }
  },
}

const listPrompts: Definition = {
  name: "list_prompts",
  description: "Lists the prompts that a server offers, with their arguments.",
  input: {},
  async use(client, _input, request) {
    const prompts = await listOptional(async () => (await client.listPrompts(undefined, request)).prompts)
    const shown = prompts.map((prompt) => ({
      name: prompt.name,
      description: prompt.description,
      arguments: prompt.arguments,
    }))
    return toJsonResult({ prompts: shown })
  },
}

const getPrompt: Definition = {
  name: "get_prompt",
  description: "Gets a prompt of a server, filled in with arguments.",
  input: { name: "text", arguments: "texts" },
  async use(client, { name, arguments: given }, request) {
    const texts = Object.fromEntries(Object.entries(given ?? {}).map(([key, value]) => [key, String(value)]))
    const params = { name: String(name), arguments: texts, ...createLogMeta(client) }
    const { messages } = await client.getPrompt(params, request)
    return { type: "content", content: toContentParts(messages.flatMap(toBlocks), toPart) }
  },
}

function toBlocks({ role, content }: PromptMessage): readonly ContentBlock[] {
  return [{ type: "text", text: `[${role}]` }, content]
}

/** Returns a list. A server with resources or prompts need not support every way to list them. */
async function listOptional<Item>(list: () => Promise<readonly Item[]>): Promise<readonly Item[]> {
  try {
    return await list()
  } catch (thrown) {
    if (ProtocolError.isInstance(thrown) && thrown.code === ProtocolErrorCode.MethodNotFound) return []
    throw thrown
  }
}

/** Returns a JSON result without undefined members. */
function toJsonResult(value: unknown): ToolResult {
  return { type: "json", value: JSON.parse(JSON.stringify(value)) as Json }
}

function createServerTools(
  servers: readonly ServerHandle[],
  definitions: readonly Definition[],
): readonly Tool[] {
  return servers.length === 0 ? [] : definitions.map((definition) => toTool(servers, definition))
}

function toTool(servers: readonly ServerHandle[], { name, description, input, use }: Definition): Tool {
  const texts = Object.entries(input).map(([key, kind]) => [
    key,
    kind === "text" ? { type: "string" } : textMap,
  ])
  const required = Object.entries(input).flatMap(([key, kind]) => (kind === "text" ? [key] : []))
  const inputSchema: JsonObject = {
    type: "object",
    properties: {
      server: { type: "string", enum: servers.map(({ config }) => config.name) },
      ...Object.fromEntries(texts),
    },
    required: ["server", ...required],
    additionalProperties: false,
  }
  return {
    name,
    description,
    inputSchema,
    origin: (given) => {
      const server = servers.find(({ config }) => config.name === given.server)
      if (server === undefined) return null
      const { name: serverName, identity } = server.config
      return { server: serverName, tool: name, identity, digest: computeDigest({ name, description }) }
    },
    readOnly: true,
    async validate(given) {
      const isServer = servers.some(({ config }) => config.name === given.server)
      if (!isServer) return { valid: false, message: "server: there is no such server" }
      const missing = required.find((key) => typeof given[key] !== "string")
      return missing === undefined
        ? { valid: true, input: given }
        : { valid: false, message: `${missing}: expected a text` }
    },
    async execute(given, context) {
      // `validate` has accepted these values.
      const fields = given as JsonObject
      const server = servers.find(({ config }) => config.name === fields.server)
      if (server === undefined)
        throw new GatewayError({ code: "mcp_unavailable", status: 503 }, "No such server.")
      const { signal } = context
      // The time limit of the tool applies.
      return server.use((client) => use(client, fields, { signal, timeout: longestTimerMs }), signal)
    },
  }
}

const textMap = { type: "object", additionalProperties: { type: "string" } } as const
