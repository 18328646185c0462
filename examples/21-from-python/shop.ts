import { join } from "node:path"
import { type Interceptor, type McpServerDefinitions, tool, toolError } from "ai-agent-gateway"
import { z } from "zod"

/** Returns the path of a file of this folder. */
const pathOf = (name: string) => join(import.meta.dirname, name)

const orders = new Map([
  [17, { customer: "Ada", total: 40, currency: "EUR", state: "delivered" }],
  [18, { customer: "Grace", total: 90, currency: "USD", state: "lost" }],
])

export const findOrder = tool({
  name: "find_order",
  description: "Returns an order by its number.",
  inputSchema: z.object({ order: z.int() }),
  readOnly: true,
  execute({ order }) {
    return orders.get(order) ?? toolError({ code: "not_found", message: "There is no such order." })
  },
})

/** A person must allow each refund. "Always allow" covers refunds in the same currency. */
export const refund = tool({
  name: "refund",
  description: "Pays an amount of an order back to its customer.",
  inputSchema: z.object({ order: z.int(), amount: z.number(), currency: z.string() }),
  needsApproval: true,
  qualifier: ({ currency }) => currency,
  sequential: true,
  execute: ({ amount, currency }) => ({ refunded: amount, currency }),
})

export const limitRefunds: Interceptor = ({ toolName, input }) =>
  toolName === "refund" && Number(input.amount) > 500
    ? { action: "deny", code: "too_large", message: "Refunds over 500 are made by the accountant." }
    : { action: "allow" }

export const mcpServers: McpServerDefinitions = {
  stock: { command: process.execPath, args: [pathOf("stock-server.mjs")] },
}
export const skillsDir = pathOf("skills")
export const checklistPath = pathOf("HEARTBEAT.md")
