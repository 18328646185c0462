import { AIMessage } from "@langchain/core/messages"
import { tool } from "@langchain/core/tools"
import { Command, END, interrupt, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph"
import { ToolNode } from "@langchain/langgraph/prebuilt"
import { createGatewayApp, langGraphRunner } from "ai-agent-gateway"
import { z } from "zod"
import { FileSaver } from "./file-saver.ts"
import { StandInModel } from "./stand-in-model.ts"

const stock = new Map([
  ["kettle", 4],
  ["mug", 120],
])

const order = z.object({ product: z.string(), pieces: z.int().positive() })

interface Answer {
  readonly approved: boolean
  /** The arguments as the person edited them. */
  readonly input: z.infer<typeof order> | null
  readonly reason: string | null
}

const tools = [
  tool(({ product }) => ({ pieces: stock.get(product) ?? 0 }), {
    name: "check_stock",
    description: "How many of a product are in stock.",
    schema: z.object({ product: z.string() }),
  }),
  tool(
    (args) => {
      const reason = "It spends money."
      const answer = interrupt<unknown, Answer>({ tool: "place_order", args, reason })
      if (!answer.approved) return `Not ordered. ${answer.reason ?? ""}`
      const { product, pieces } = answer.input ?? args
      return { ordered: pieces, product }
    },
    { name: "place_order", description: "Order a product from the supplier.", schema: order },
  ),
]

// To use a real model, replace it with any chat model of LangChain, for example `new ChatAnthropic({ model:
// "claude-sonnet-5-5" }).bindTools(tools)`.
const model = new StandInModel({})

const graph = new StateGraph(MessagesAnnotation)
  .addNode("agent", async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
  .addNode("tools", new ToolNode(tools))
  .addEdge(START, "agent")
  .addConditionalEdges("agent", ({ messages }) => {
    const last = messages.at(-1)
    return AIMessage.isInstance(last) && (last.tool_calls?.length ?? 0) > 0 ? "tools" : END
  })
  .addEdge("tools", "agent")
  // In production, use `PostgresSaver` of `@langchain/langgraph-checkpoint-postgres` instead.
  .compile({ checkpointer: new FileSaver(".agent-gateway/langgraph.json") })

export default createGatewayApp({
  buildChatRuntime: {
    runner: langGraphRunner(graph, {
      Command,
      inputSchema: (name) => (name === "place_order" ? z.toJSONSchema(order) : undefined),
    }),
    // After a crash, the graph continues from its last checkpoint.
    resumes: true,
  },
})
