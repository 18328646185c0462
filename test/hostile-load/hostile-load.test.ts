import { expect, it } from "vitest"
import { runLoadTest } from "./support/load-test.ts"

it("serves one client while another sends the most expensive allowed requests, in less than 1 GB", async () => {
  const { idle, attacked, attacker, peakMemoryBytes } = await runLoadTest({ idleMs: 1_000, attackMs: 4_000 })
  expect([...idle.failures, ...attacked.failures]).toEqual([])
  expect(attacked.health.length).toBeGreaterThan(10)
  expect(attacked.firstToken.length).toBeGreaterThan(5)
  expect(peakMemoryBytes).toBeLessThan(1e9)
  // Without these outcomes, there was no attack.
  expect(attacker.outcomes["4 MiB history replaced"]).toBeDefined()
  expect(attacker.outcomes["history of a large session"]?.[200]).toBeGreaterThan(0)
})
