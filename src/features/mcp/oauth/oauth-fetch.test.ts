import { expect, it } from "vitest"
import { requireSafe } from "./oauth-fetch.ts"

const check = (server: string, named: string) => () => requireSafe(new URL(named), new URL(server))

it.each([
  ["https://mcp.example/mcp", "https://login.example/token"],
  ["http://mcp.internal:3000/mcp", "http://mcp.internal:4000/token"],
  ["http://127.0.0.1:3000/mcp", "http://localhost:4000/token"],
  ["http://localhost:3000/mcp", "http://[::1]:4000/token"],
])("lets %s name %s", (server, named) => {
  expect(check(server, named)).not.toThrow()
})

it.each([
  ["https://mcp.example/mcp", "http://169.254.169.254/latest/meta-data"],
  ["https://mcp.example/mcp", "http://localhost:8080/"],
  ["https://mcp.example/mcp", "http://login.example/token"],
  ["http://mcp.internal/mcp", "http://127.0.0.1.internal/"],
  ["http://localhost/mcp", "http://127.0.0.1.bank.example/"],
  ["https://mcp.example/mcp", "file:///etc/passwd"],
  ["https://mcp.example/mcp", "javascript:alert(1)"],
])("does not let %s name %s", (server, named) => {
  expect(check(server, named)).toThrow("neither https nor its own host")
})
