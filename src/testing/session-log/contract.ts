import type { Store } from "../../core/ports/store/store.ts"
import { approvalsCases } from "../store/approvals-contract.ts"
import { archiveCases, sharedArchiveCases } from "../store/archive-contract.ts"
import { contentsCases } from "../store/contents-contract.ts"
import { directoryCases, sharedDirectoryCases } from "../store/directory-contract.ts"
import { figuresCases } from "../store/figures-contract.ts"
import { keptRequestCases } from "../store/kept-requests-contract.ts"
import { keyringCases } from "../store/keyring-contract.ts"
import { sharedMemoryCases } from "../store/memory-bounds.ts"
import { memoryCases } from "../store/memory-contract.ts"
import { outboxCommandCases } from "../store/outbox-commands.ts"
import { outboxCases } from "../store/outbox-contract.ts"
import { sharedOutboxCases } from "../store/outbox-shared.ts"
import { revocationsCases } from "../store/revocations-contract.ts"
import { scheduleCases, sharedScheduleCases } from "../store/schedules-contract.ts"
import { secretsCases } from "../store/secrets-contract.ts"
import { snapshotCases } from "../store/snapshots-contract.ts"
import { subscriptionCases } from "../store/subscriptions-contract.ts"
import { taskCases } from "../store/tasks-contract.ts"
import { treeCases } from "../store/tree-contract.ts"
import { entryCases } from "./entries.ts"
import { externalIdCases, sharedExternalIdCases } from "./external-ids.ts"
import { casesOf, type SessionLogCase, type SessionLogHarness } from "./fixtures.ts"
import { largeCases } from "./large.ts"
import { leaseCases } from "./leases/leases.ts"
import { sharedCases } from "./leases/shared.ts"
import { shareCases } from "./leases/shares.ts"
import { pruneCases } from "./prune.ts"
import { acceptingCases, sharedAcceptingCases } from "./queue/accepting.ts"
import { inboxCases } from "./queue/inbox.ts"
import { queueCases } from "./queue/queue.ts"
import { startCases } from "./queue/starts.ts"
import { interruptionCases, steeringCases, withdrawalCases } from "./queue/steering.ts"
import { supersedingCases } from "./queue/superseding.ts"
import { revocationCases } from "./revocation.ts"
import { storageCases } from "./storage.ts"
import { answerCases } from "./waits/answers.ts"
import { sharedTogetherCases, togetherCases } from "./waits/answers-together.ts"
import { closingCases } from "./waits/closing.ts"
import { parkingCases } from "./waits/parking.ts"
import { sharedWaitCases } from "./waits/shared-waits.ts"
import { waitKindCases } from "./waits/waits.ts"
import { watchingCases } from "./watching.ts"

export type { SessionLogCase, SessionLogHarness } from "./fixtures.ts"

/** Behavior of every store. Cases may run one after another on the same data. */
export const sessionLogContract: readonly SessionLogCase[] = [
  ...inboxCases,
  ...queueCases,
  ...withdrawalCases,
  ...interruptionCases,
  ...supersedingCases,
  ...steeringCases,
  ...entryCases,
  ...largeCases,
  ...startCases,
  ...storageCases,
  ...casesOf("archive", archiveCases),
  ...casesOf("keptRequests", keptRequestCases),
  ...pruneCases,
  ...acceptingCases,
  ...leaseCases,
  ...shareCases,
  ...parkingCases,
  ...answerCases,
  ...togetherCases,
  ...closingCases,
  ...waitKindCases,
  ...revocationCases,
  ...externalIdCases,
  ...watchingCases,
  ...approvalsCases,
  ...directoryCases,
  ...keyringCases,
  ...revocationsCases,
  ...secretsCases,
  ...casesOf("memory", memoryCases),
  ...outboxCases,
  ...outboxCommandCases,
  ...treeCases,
  ...taskCases,
  ...subscriptionCases,
  ...casesOf("schedules", scheduleCases),
  ...casesOf("contents", contentsCases),
  ...snapshotCases,
  ...figuresCases,
]

/** Behavior of a store that several processes may open. These cases open it more than once. */
export const sharedSessionLogContract: readonly SessionLogCase[] = [
  ...sharedCases,
  ...sharedAcceptingCases,
  ...casesOf("archive", sharedArchiveCases),
  ...sharedWaitCases,
  ...sharedTogetherCases,
  ...sharedExternalIdCases,
  ...sharedDirectoryCases,
  ...sharedOutboxCases,
  ...casesOf("memory", sharedMemoryCases),
  ...casesOf("schedules", sharedScheduleCases),
]

/**
 * Runs one case, for any test runner, and closes all the stores that it opened. Rejects if the store violates the
 * contract. Takes up to a minute if an expected change never comes.
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
