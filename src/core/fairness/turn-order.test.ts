import { expect, it } from "vitest"
import { createTurnOrder } from "./turn-order.ts"

const principalOf = (name: string) => {
  const [tenant = "", userId = ""] = name.split("/")
  return { tenant, userId }
}

function orderOf(...names: string[]) {
  const order = createTurnOrder<string>()
  for (const name of names) order.set(principalOf(name), name)
  return { order, names: () => [...order].map(([, value]) => value) }
}

it("gives each tenant a turn before a tenant's second principal", () => {
  const { order, names } = orderOf("a/1", "a/2", "b/1", "a/3")
  const turns: string[] = []
  for (let turn = 0; turn < 6; turn += 1) {
    const [first = ""] = names()
    turns.push(first)
    order.moveToEnd(principalOf(first))
  }
  expect(turns).toEqual(["a/1", "b/1", "a/2", "b/1", "a/3", "b/1"])
})

it("distinguishes users of the same name in two tenants", () => {
  const { order, names } = orderOf("a/1", "b/1")
  order.delete(principalOf("a/1"))
  expect([names(), order.get(principalOf("b/1")), order.get(principalOf("a/1"))]).toEqual([
    ["b/1"],
    "b/1",
    undefined,
  ])
})

it("forgets a tenant with its last principal, which later starts at the end of the order", () => {
  const { order, names } = orderOf("a/1", "b/1")
  order.delete(principalOf("a/1"))
  order.moveToEnd(principalOf("a/1"))
  order.set(principalOf("a/1"), "again")
  expect(names()).toEqual(["b/1", "again"])
})
