import { createAgent, tool } from "ai-agent-gateway"
import { z } from "zod"

const balances = new Map([
  ["alice", 900],
  ["bob", 50],
])

const balance = tool({
  name: "balance",
  description: "What is on an account.",
  inputSchema: z.object({ account: z.string() }),
  readOnly: true,
  execute: ({ account }) => ({ balance: balances.get(account) ?? null }),
})

// Every transfer needs an approval. The user may allow all transfers to the same account for the rest of the session.
const transfer = tool({
  name: "transfer",
  description: "Move money from one account to another.",
  inputSchema: z.object({ from: z.string(), to: z.string(), amount: z.number().positive() }),
  needsApproval: true,
  qualifier: ({ to }) => `to ${String(to)}`,
  execute: ({ from, to, amount }) => {
    const available = balances.get(from) ?? 0
    if (available < amount) throw new Error(`There are only ${available} on ${from}.`)
    balances.set(from, available - amount)
    balances.set(to, (balances.get(to) ?? 0) + amount)
    return { from: balances.get(from), to: balances.get(to) }
  },
})

// The client executes this tool. The run waits for its result.
const confirmCode = tool({
  name: "confirm_code",
  description: "Ask the customer for the code on their card.",
  inputSchema: z.object({ question: z.string().default("Which code is on your card?") }),
  executionLocation: "client",
})

export default createAgent("You are a bank's assistant. Look at a balance before you move money.", {
  name: "bank",
  tools: [balance, transfer, confirmCode],
  approvalTimeoutSeconds: 3_600,
})
