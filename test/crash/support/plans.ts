import { type ScenarioName, scenarioNames } from "../scenarios/scenarios.ts"
import { type CrashPoint, crashPoints } from "./crash-points.ts"
import { createRandom, type Random } from "./random.ts"
import type { Arrival, Death, RoundPlan } from "./round.ts"

/** Deaths of one round: fewer than those after which a run without progress is given up. */
const mostDeaths = 5

/** Crash points of commands between the sessions of a tree. */
export const treePoints: readonly CrashPoint[] = [...crashPoints.keys()].filter((point) =>
  /^deliver:|[.:]child|Ended:|Tree:|treeGrant:|:task/.test(point),
)

export interface NamedRoundOptions {
  /** Default: every point. */
  readonly points?: readonly CrashPoint[]
  /** Resolves to the store of a round. Default: a data directory of its own. */
  readonly store?: (round: number) => Promise<string>
  readonly nodes?: RoundPlan["nodes"]
}

/** Rounds that reach every one of these crash points, each with a session that reaches it. */
export async function namedRounds({
  points: wanted,
  store,
  nodes,
}: NamedRoundOptions = {}): Promise<readonly RoundPlan[]> {
  const points = [...crashPoints].filter(([point]) => wanted?.includes(point) ?? true)
  const count = Math.ceil(points.length / mostDeaths)
  const rounds = Array.from({ length: count }, async (_, round): Promise<RoundPlan> => {
    // Dealt out like cards, so that points of one kind are in different rounds.
    const chosen = restartsSecond(points.filter((_point, index) => index % count === round))
    return {
      name: `named-${nodes ?? 1}-${round}`,
      // All of these points are come by, some of them only after the sessions are over.
      afterwardsMs: 15_000,
      random: createRandom(`named-${round}`),
      arrivals: chosen.map(([, scenario], generation) => ({ scenario, generation, afterMs: 0 })),
      deaths: chosen.map(([point]) => ({ type: "point", point, times: 1 }) as const),
      ...(store && { store: await store(round) }),
      ...(nodes && { nodes }),
    }
  })
  return Promise.all(rounds)
}

type Chosen = readonly (readonly [CrashPoint, ScenarioName])[]

/** Puts points that only an open run reaches after a crash that leaves a run open. */
function restartsSecond(points: Chosen): Chosen {
  const restarts = points.filter(([point]) => point === "claimRunnable:after")
  const others = points.filter(([point]) => point !== "claimRunnable:after")
  const leavesOpen = others.find(([point]) => /^(commit|model|tool):/.test(point))
  if (restarts.length === 0 || leavesOpen === undefined) return points
  return [leavesOpen, ...restarts, ...others.filter((other) => other !== leavesOpen)]
}

/** A round that depends on the seed and its number alone. */
export function randomRound(
  seed: string,
  number: number,
  given: Pick<RoundPlan, "store" | "nodes"> = {},
): RoundPlan {
  const random = createRandom(`${seed}:${number}`)
  const deaths = Array.from({ length: random.whole(1, mostDeaths) }, () => randomDeath(random))
  const arrivals = Array.from({ length: random.whole(5, 9) }, (): Arrival => {
    const generation = random.whole(0, Math.min(1, deaths.length - 1))
    return { scenario: random.pick(scenarioNames), generation, afterMs: random.whole(0, 500) }
  })
  const name = `${seed}-${number}`.replaceAll(/[^\w-]/g, "-")
  return { name, afterwardsMs: 500, random, arrivals, deaths, ...given }
}

function randomDeath(random: Random): Death {
  if (random.chance(0.4)) {
    return { type: "point", point: random.pick([...crashPoints.keys()]), times: random.whole(1, 6) }
  }
  return random.chance(0.2)
    ? { type: "time", after: "start", ms: random.whole(0, 500) }
    : { type: "time", after: "ready", ms: random.whole(0, 600) }
}
