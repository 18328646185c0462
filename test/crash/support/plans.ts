import { type ScenarioName, scenarioNames } from "../scenarios/scenarios.ts"
import { type CrashPoint, crashPoints } from "./crash-points.ts"
import { createRandom, type Random } from "./random.ts"
import type { Arrival, Death, RoundPlan } from "./round.ts"

/** Maximum number of deaths in one round. It is below the number after which a run without progress is given up. */
const mostDeaths = 5

/** Crash points of commands between the sessions of a tree. */
export const treePoints: readonly CrashPoint[] = [...crashPoints.keys()].filter((point) =>
  /^deliver:|[.:]child|Ended:|Tree:|treeGrant:|:task/.test(point),
)

export interface NamedRoundOptions {
  /** Default: all points. */
  readonly points?: readonly CrashPoint[]
  /** Resolves to the store of a round. Default: a new data directory. */
  readonly store?: (round: number) => Promise<string>
  readonly nodes?: RoundPlan["nodes"]
}

/** Returns rounds that together reach all of these crash points. Each point has a session that reaches it. */
export async function namedRounds({
  points: wanted,
  store,
  nodes,
}: NamedRoundOptions = {}): Promise<readonly RoundPlan[]> {
  const points = [...crashPoints].filter(([point]) => wanted?.includes(point) ?? true)
  const count = Math.ceil(points.length / mostDeaths)
  const rounds = Array.from({ length: count }, async (_, round): Promise<RoundPlan> => {
    // The points are distributed over the rounds in turn, so that points of one kind are in different rounds.
    const chosen = restartsSecond(points.filter((_point, index) => index % count === round))
    return {
      name: `named-${nodes ?? 1}-${round}`,
      // All of these points are reached, some of them only after the sessions have ended.
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

/**
 * Moves `claimRunnable:after` behind a point that leaves a run open, because only a restart with an open run reaches
 * it.
 */
function restartsSecond(points: Chosen): Chosen {
  const restarts = points.filter(([point]) => point === "claimRunnable:after")
  const others = points.filter(([point]) => point !== "claimRunnable:after")
  const leavesOpen = others.find(([point]) => /^(commit|model|tool):/.test(point))
  if (restarts.length === 0 || leavesOpen === undefined) return points
  return [leavesOpen, ...restarts, ...others.filter((other) => other !== leavesOpen)]
}

/** Returns a round that depends only on the seed and its number. */
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
