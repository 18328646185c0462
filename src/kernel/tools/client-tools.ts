import type { Logger } from "../../core/ports/logger.ts"
import type { ToolSpecification } from "../../core/ports/model/provider.ts"
import type { Tool } from "../../core/ports/tools/tool.ts"

/** Returns a tool that a client declared. The client executes it, like an agent's own client tool. */
export function createDeclaredTool({ name, description, inputSchema }: ToolSpecification): Tool {
  return {
    name,
    description,
    inputSchema,
    executionLocation: "client",
    validate: (input, { checkSchema, session, signal }) =>
      checkSchema(inputSchema, input, { owner: session, signal }),
    async execute() {
      throw new Error(`Tool ${name} is executed by the client.`)
    },
  }
}

/**
 * Returns the agent's own tools and those that the client declared. Returns the same array while the agent's tools
 * are unchanged. If the agent has a tool of the same name, even one that was added later, the client's tool is left
 * out.
 */
export function addDeclaredTools(
  own: () => readonly Tool[],
  declared: readonly ToolSpecification[],
  logger: Logger,
): () => readonly Tool[] {
  if (declared.length === 0) return own
  const tools = declared.map(createDeclaredTool)
  let former: readonly Tool[] | null = null
  let all: readonly Tool[] = []
  return () => {
    const current = own()
    if (current === former) return all
    former = current
    const names = new Set(current.map(({ name }) => name))
    const taken = tools.filter(({ name }) => names.has(name)).map(({ name }) => name)
    if (taken.length > 0) {
      logger.warn({ tools: taken }, "A client declared tools that the agent has. The agent's own are used.")
    }
    all = [...current, ...tools.filter(({ name }) => !names.has(name))]
    return all
  }
}
