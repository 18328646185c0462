import { tool } from "../../../src/index.ts"

export const reply = (text: string) => [{ type: "text", text } as const]
export const call = (name: string, input = {}) => ({ type: "toolCall", name, input }) as const

/** A tool that a person must allow, and the inputs with which it ran. */
export function createPay() {
  const paid: unknown[] = []
  const pay = tool({
    name: "pay",
    description: "Pays.",
    inputSchema: { type: "object" },
    needsApproval: true,
    execute: (input) => {
      paid.push(input)
      return { paid: true }
    },
  })
  return { pay, paid }
}
