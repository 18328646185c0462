import { createAgent, tool } from "ai-agent-gateway"
import { z } from "zod"

const products = [
  { id: "kettle", name: "Kettle, 1.7 l", price: 39, stock: 4 },
  { id: "teapot", name: "Teapot, stoneware", price: 28, stock: 0 },
  { id: "mug", name: "Mug, 350 ml", price: 9, stock: 120 },
]
const orders = new Map<string, { productId: string; quantity: number }>()

// The tool has no side effect, so the gateway may repeat a call after a crash.
const findProducts = tool({
  name: "find_products",
  description: "Find products by a word in their name. An empty word lists all.",
  inputSchema: z.object({ word: z.string().default("") }),
  readOnly: true,
  execute: ({ word }) => products.filter(({ name }) => name.toLowerCase().includes(word.toLowerCase())),
})

// A call has the same idempotency key on every attempt, so each order is placed once.
const placeOrder = tool({
  name: "place_order",
  description: "Order a product by its id.",
  inputSchema: z.object({ productId: z.string(), quantity: z.int().min(1).max(10) }),
  idempotent: true,
  execute: ({ productId, quantity }, { idempotencyKey, session, logger }) => {
    const product = products.find(({ id }) => id === productId)
    if (product === undefined) throw new Error(`There is no product ${productId}.`)
    if (product.stock < quantity) throw new Error(`Only ${product.stock} of ${product.name} are in stock.`)
    orders.set(idempotencyKey, { productId, quantity })
    logger.info({ user: session.userId, productId, quantity }, "an order was placed")
    return { order: idempotencyKey, total: product.price * quantity }
  },
})

// The client sees emitted data while the tool works. The model receives only the result.
const checkStock = tool({
  name: "check_stock",
  description: "Count what is in stock, shelf by shelf.",
  inputSchema: z.object({}),
  readOnly: true,
  timeoutMs: 5_000,
  execute: async (_, { emit, signal }) => {
    for (const { name, stock } of products) {
      signal.throwIfAborted()
      emit(`${name}: ${stock}\n`)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    return { pieces: products.reduce((sum, { stock }) => sum + stock, 0) }
  },
})

export default createAgent("You serve the customers of a small shop. Look things up before you answer.", {
  name: "shop",
  tools: [findProducts, placeOrder, checkStock],
  maxTurns: 10,
})
