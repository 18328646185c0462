import { sandboxLimitCases } from "../../../src/testing/sandbox-contract-limits.ts"
import { exhaustion } from "./attacks-exhaustion.ts"

/** Attacks on the disk that the gateway stops by itself, without mounts, control groups and filters. */
export const containerCases = [...sandboxLimitCases, ...exhaustion].filter(({ name }) =>
  /^(?!reserving).*(disk|folders|working directory)/.test(name),
)
