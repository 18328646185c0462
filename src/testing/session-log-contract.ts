import type { Store } from "../core/ports/store.ts"
import { approvalsCases } from "./approvals-contract.ts"
import { directoryCases, sharedDirectoryCases } from "./directory-contract.ts"
import { keyringCases } from "./keyring-contract.ts"
import { memoryCases, sharedMemoryCases } from "./memory-contract.ts"
import { outboxCases } from "./outbox-contract.ts"
import { outboxCommandCases } from "./outbox-contract-commands.ts"
import { sharedOutboxCases } from "./outbox-contract-shared.ts"
import { secretsCases } from "./secrets-contract.ts"
import { acceptingCases, sharedAcceptingCases } from "./session-log-contract-accepting.ts"
import { answerCases } from "./session-log-contract-answers.ts"
import { closingCases } from "./session-log-contract-closing.ts"
import { entryCases } from "./session-log-contract-entries.ts"
import type { SessionLogCase, SessionLogHarness } from "./session-log-contract-fixtures.ts"
import { inboxCases } from "./session-log-contract-inbox.ts"
import { largeCases } from "./session-log-contract-large.ts"
import { leaseCases } from "./session-log-contract-leases.ts"
import { parkingCases } from "./session-log-contract-parking.ts"
import { pruneCases } from "./session-log-contract-prune.ts"
import { queueCases } from "./session-log-contract-queue.ts"
import { revocationCases } from "./session-log-contract-revocation.ts"
import { sharedCases } from "./session-log-contract-shared.ts"
import { sharedWaitCases } from "./session-log-contract-shared-waits.ts"
import { shareCases } from "./session-log-contract-shares.ts"
import { startCases } from "./session-log-contract-starts.ts"
import { interruptionCases, steeringCases, withdrawalCases } from "./session-log-contract-steering.ts"
import { storageCases } from "./session-log-contract-storage.ts"
import { waitKindCases } from "./session-log-contract-waits.ts"
import { watchingCases } from "./session-log-contract-watching.ts"
import { subscriptionCases } from "./subscriptions-contract.ts"
import { treeCases } from "./tree-contract.ts"

export type { SessionLogCase, SessionLogHarness } from "./session-log-contract-fixtures.ts"

/** Behavior of every store. Cases may run one after another on the same data. */
export const sessionLogContract: readonly SessionLogCase[] = [
  ...inboxCases,
  ...queueCases,
  ...withdrawalCases,
  ...interruptionCases,
  ...steeringCases,
  ...entryCases,
  ...largeCases,
  ...startCases,
  ...storageCases,
  ...pruneCases,
  ...acceptingCases,
  ...leaseCases,
  ...shareCases,
  ...parkingCases,
  ...answerCases,
  ...closingCases,
  ...waitKindCases,
  ...revocationCases,
  ...watchingCases,
  ...approvalsCases,
  ...directoryCases,
  ...keyringCases,
  ...secretsCases,
  ...memoryCases,
  ...outboxCases,
  ...outboxCommandCases,
  ...treeCases,
  ...subscriptionCases,
]

/** Behavior of a store that several processes may open: these cases open it more than once. */
export const sharedSessionLogContract: readonly SessionLogCase[] = [
  ...sharedCases,
  ...sharedAcceptingCases,
  ...sharedWaitCases,
  ...sharedDirectoryCases,
  ...sharedOutboxCases,
  ...sharedMemoryCases,
]

/**
 * Runs one case, for any test runner, and closes all the stores it opened. Rejects when the store breaks the
 * contract; needs up to a minute when an expected change never comes.
 */
export async function runSessionLogCase(each: SessionLogCase, harness: SessionLogHarness): Promise<void> {
  const opened: Store[] = []
  try {
    await each.run({
      async open() {
        const store = await harness.open()
        opened.push(store)
        return store
      },
      async crash(store) {
        opened.splice(opened.indexOf(store), 1)
        await harness.crash(store)
      },
    })
  } finally {
    for (const store of opened) await store.close()
  }
}
