import { createAgent, tool } from "ai-agent-gateway"
import { z } from "zod"

const tickets = [
  { id: 4711, title: "The invoice is wrong", urgent: true },
  { id: 4712, title: "How do I change my password?", urgent: false },
  { id: 4713, title: "The site is down", urgent: true },
]

const listTickets = tool({
  name: "list_tickets",
  description: "Lists the tickets with a number above `after`.",
  inputSchema: z.object({ after: z.number().int().default(0) }),
  readOnly: true,
  execute: ({ after }) => tickets.filter(({ id }) => id > after),
})

const closeTicket = tool({
  name: "close_ticket",
  description: "Closes a ticket. A person must allow each call.",
  inputSchema: z.object({ id: z.number().int() }),
  needsApproval: true,
  execute: ({ id }) => `Closed ticket ${id}.`,
})

export default createAgent(
  "You look through the tickets that are new since the last run, by the `last_ticket` of the " +
    "state, and summarize them. " +
    "Save the highest number as `last_ticket`.",
  { tools: [listTickets, closeTicket] },
)
