import { waitForNextSlice } from "../time/next-slice.ts"
import { emptyFingerprint, extendFingerprint, type HistoryFingerprint } from "./history-fingerprint.ts"
import type { Message } from "./messages.ts"

/**
 * Fingerprints of the last turns of a conversation, oldest first. Messages of the same role that follow each other are
 * one turn, because clients often hold them as one.
 */
export type TurnFingerprints = readonly HistoryFingerprint[]

/** Units to hash in one turn of the event loop (rule 15). */
const sliceUnits = 50_000
/** Maximum number of turns before the first kept message whose fingerprints a compaction logs. */
export const maxFormerTurns = 100

/**
 * Resolves to the fingerprints of the turns, extended with the turns of these messages. A message without visible
 * text or images does not form a turn.
 */
export async function extendTurns(
  turns: TurnFingerprints,
  messages: readonly Message[],
): Promise<TurnFingerprints> {
  const extended = [...turns]
  let inSlice = 0
  for (const message of messages) {
    if (inSlice >= sliceUnits) {
      await waitForNextSlice()
      inSlice = 0
    }
    const last = extended.at(-1)
    const isSameTurn = last !== undefined && last.role === message.role
    const turn = await extendFingerprint(isSameTurn ? last : emptyFingerprint, [message])
    inSlice += turn.units - (isSameTurn ? last.units : 0)
    if (isSameTurn) extended[extended.length - 1] = turn
    else if (turn.role !== null) extended.push(turn)
  }
  return extended
}
