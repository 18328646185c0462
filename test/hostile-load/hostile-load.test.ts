import { expect, it } from "vitest"
import { runLoadTest } from "./support/load-test.ts"

it("serves one client throughout while another sends the worst that is allowed, in less than 1 GB", async () => {
  const { idle, attacked, attacker, peakMemoryBytes } = await runLoadTest({ idleMs: 1_000, attackMs: 6_000 })
  expect([...idle.failures, ...attacked.failures]).toEqual([])
  expect(attacked.health.length).toBeGreaterThan(10)
  expect(attacked.firstToken.length).toBeGreaterThan(5)
  expect(peakMemoryBytes).toBeLessThan(1e9)
  expect(attacker.outcomes["4 MiB history replaced"]?.[200]).toBeGreaterThan(0)
}, 120_000)
