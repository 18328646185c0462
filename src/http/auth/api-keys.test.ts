import { describe, expect, it } from "vitest"
import { createTenantOf } from "./api-keys.ts"
import { toTenantOfKey } from "./principal.ts"

describe("createTenantOf", () => {
  it("finds a key at any position of the list, and its tenant", () => {
    const tenantOf = createTenantOf(["first", { key: "second", tenant: "acme" }, "third"])
    const named = ["first", "second", "third"].map(tenantOf)
    expect(named).toEqual([toTenantOfKey("first"), "named_acme", toTenantOfKey("third")])
  })

  it("keeps a named tenant while its key is replaced", () => {
    const tenantOf = createTenantOf([
      { key: "former", tenant: "acme" },
      { key: "next", tenant: "acme" },
    ])
    expect([tenantOf("former"), tenantOf("next")]).toEqual(["named_acme", "named_acme"])
    expect(createTenantOf([{ key: "next", tenant: "acme" }])("former")).toBeNull()
  })

  it("gives no name the tenant of a key", () => {
    const digest = toTenantOfKey("victim")
    expect(createTenantOf([{ key: "mine", tenant: digest }])("mine")).toBe(`named_${digest}`)
  })

  it("refuses keys that differ slightly", () => {
    const tenantOf = createTenantOf(["secret"])
    expect(["secre", "secret ", "Secret", "", "secretsecret"].map(tenantOf)).toEqual(Array(5).fill(null))
  })

  it("accepts any key without a list, and none with an empty list", () => {
    expect(createTenantOf(undefined)("any")).toBe(toTenantOfKey("any"))
    expect(createTenantOf([])("any")).toBeNull()
  })

  it("refuses to start with an empty key, or with one key for two tenants", () => {
    expect(() => createTenantOf(["good", ""])).toThrow(/validApiKeys/)
    const twice = [
      { key: "same", tenant: "acme" },
      { key: "same", tenant: "other" },
    ]
    expect(() => createTenantOf(twice)).toThrow(/listed twice/)
  })
})
