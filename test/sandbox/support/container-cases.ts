import { sandboxLimitCases } from "../../../src/testing/sandbox/limits.ts"
import { exhaustion } from "./attacks-exhaustion.ts"

/** Cases that need the socket table of a network namespace, which a subprocess does not have. */
const needOwnNetwork = /closed while a thread receives|sockets that had a name/

/** Attacks on the disk that the gateway stops without mounts, control groups and filters. */
export const containerCases = [...sandboxLimitCases, ...exhaustion].filter(
  ({ name }) => /^(?!reserving).*(disk|folders|working directory)/.test(name) && !needOwnNetwork.test(name),
)
