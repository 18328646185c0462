import { testIdsOfOthers } from "./attacks/ids-of-others.ts"
import { testKeys } from "./attacks/keys.ts"
import { testPagesOfOtherSites } from "./attacks/pages-of-other-sites.ts"
import { testRevocations } from "./attacks/revocations.ts"
import { testTokens } from "./attacks/tokens.ts"
import type { Openers } from "./clients.ts"

/** Registers the attacks on gateways that are opened in this way. */
export function testAttacks(openers: Openers): void {
  testPagesOfOtherSites(openers)
  testTokens(openers)
  testIdsOfOthers(openers)
  testKeys(openers)
  testRevocations(openers)
}
