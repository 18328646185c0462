import { expect, it } from "vitest"
import { type Candidate, createTurns } from "./claim-order.ts"

const session = (tenant: string, userId: string, lastUsedAt: number): Candidate => {
  return {
    id: `${tenant}${userId}${lastUsedAt}`,
    epoch: 1,
    owner: null,
    tenant,
    userId,
    lastUsedAt,
    arrival: 0,
  }
}

it("does not depend on the order in which sessions are found, nor on repetitions", () => {
  const sessions = Array.from({ length: 300 }, (_, at) => session(`t${at % 3}`, `u${at % 7}`, at))
  const choose = (found: readonly Candidate[]) => {
    const turns = createTurns(10, undefined)
    for (const each of found) turns.add(each)
    return turns.next().map(({ id }) => id)
  }
  const chosen = choose(sessions)
  expect(chosen).toEqual([
    "t0u00",
    "t1u11",
    "t2u22",
    "t0u33",
    "t1u44",
    "t2u55",
    "t0u66",
    "t1u07",
    "t2u18",
    "t0u29",
  ])
  expect(choose(sessions.toReversed())).toEqual(chosen)
  expect(choose([...sessions, ...sessions])).toEqual(chosen)
})

it("orders sessions that were used in the same millisecond by their arrival", () => {
  const sessions = [3, 1, 2].map((arrival) => ({ ...session("t", `${arrival}`, 5), arrival }))
  const turns = createTurns(2, undefined)
  for (const each of sessions) turns.add(each)
  expect(turns.next().map(({ arrival }) => arrival)).toEqual([1, 2])
})

it("chooses nothing beyond a share that is used up or exceeded", () => {
  const held = [{ tenant: "t", userId: "u", count: 5, lastTurn: 1 }]
  const turns = createTurns(9, { perPrincipal: 3, perTenant: 6, held })
  for (let at = 0; at < 4; at++) {
    turns.add(session("t", "u", at))
    turns.add(session("t", "v", at))
  }
  expect(turns.next().map(({ id }) => id)).toEqual(["tv0"])
  expect(createTurns(9, undefined).next()).toEqual([])
})
