import { beforeAll, expect, test } from "vitest"
import { atEndOfFile } from "../end-to-end/support/on-end.ts"
import { type Cluster, startCluster } from "./support/cluster.ts"
import { type Fault, playRound } from "./support/round.ts"

const onEnd = atEndOfFile()
let cluster: Cluster

beforeAll(async () => {
  cluster = await startCluster("node")
  onEnd(() => cluster.stop())
})

const faults: readonly (readonly [name: string, fault: Fault])[] = [
  ["a killed node's runs go on elsewhere, and no tool runs twice", { type: "kill" }],
  [
    "a paused node's runs go on elsewhere, and it starts nothing when it wakes up",
    { type: "pause", ms: 6_000 },
  ],
  [
    "after an outage of the database only the runs of the node that was killed in it go elsewhere",
    { type: "outage", ms: 8_000 },
  ],
]

test.each(faults)("%s", async (_, fault) => {
  const { claimedMs, violations } = await playRound(cluster, fault.type, fault)
  expect(violations).toEqual([])
  expect(claimedMs).toHaveLength(5)
})
