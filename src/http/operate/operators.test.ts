import { expect, test } from "vitest"
import { createOperators, type OperatorKey } from "./operators.ts"

function createKey(number: number, more: Partial<OperatorKey> = {}): OperatorKey {
  return { key: `the key of an operator ${number}`, name: "ops", scopes: ["read"], ...more }
}

test("two keys of one name are one operator, so both have the same tenant", () => {
  const create = (...operatorKeys: OperatorKey[]) => createOperators({ operatorKeys }, undefined)
  const ofAcme = createKey(1, { tenant: "named_acme" })
  expect(create(ofAcme, createKey(2, { tenant: "named_acme" })).keys).toHaveLength(2)
  expect(create(ofAcme, createKey(2, { name: "others" })).keys).toHaveLength(2)
  for (const other of [createKey(2), createKey(2, { tenant: "named_rival" })])
    expect(() => create(ofAcme, other)).toThrow(/name ops have different tenants/)
})

test("no operator of one tenant has the name of the key without one", () => {
  const operatorKeys = [createKey(1, { name: "operator", tenant: "named_acme" })]
  expect(() => createOperators({ operatorKeys }, "a key of the environment")).toThrow(/different tenants/)
})
