/**
 * Sequence numbers of a session's log: `epoch × 10⁹ + n`, n counting from 1 within one lease.
 *
 * A new lease raises the epoch, so numbers grow strictly and none is ever used twice, whatever
 * was lost with the writer before. They stay exact JavaScript integers for nine million leases of one session.
 */
const sequencesPerEpoch = 1_000_000_000

export function firstSequence(epoch: number): number {
  return epoch * sequencesPerEpoch + 1
}

export function epochOf(seq: number): number {
  return Math.floor(seq / sequencesPerEpoch)
}
