/**
 * Sequence numbers of a session's log are `epoch × 10⁹ + n`, where n counts from 1 within one lease.
 *
 * A new lease raises the epoch. Numbers therefore grow strictly, and no number is used twice, even if the previous
 * writer lost entries. They remain exact JavaScript integers for nine million leases of one session.
 */
const sequencesPerEpoch = 1_000_000_000

export function computeFirstSequence(epoch: number): number {
  return epoch * sequencesPerEpoch + 1
}

export function computeEpoch(seq: number): number {
  return Math.floor(seq / sequencesPerEpoch)
}
