import { quiet } from "./gateway-under-test.ts"

/** Options of gateways that accept each other's tokens. */
export const sharedSecret = {
  provider: "demo",
  store: "memory",
  logger: quiet,
  jwtSecret: "s".repeat(32),
  rateLimits: false,
} as const
