import { mkdtemp } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { toError } from "../../../src/core/errors.ts"
import { findFreePort } from "../../../src/testing/fixtures/free-port.ts"
import {
  type ScriptedUpstream,
  startScriptedUpstream,
} from "../../../src/testing/provider/scripted-upstream.ts"
import { lost } from "../checks/kinds.ts"
import type { Observation } from "../checks/observation.ts"
import type { Generation } from "../checks/recovery.ts"
import { play, type ScenarioName, scripts } from "../scenarios/scenarios.ts"
import type { CrashPoint } from "./crash-points.ts"
import { deathsIn } from "./effects.ts"
import { type Exit, type GatewayProcess, startGateway } from "./gateway-process.ts"
import { scriptedModel } from "./model.ts"
import { observe, type PlayedSession } from "./observe.ts"
import type { Random } from "./random.ts"
import { SessionClient } from "./session-client.ts"

/** The death of one process of a round. */
export type Death =
  /** The process kills itself at this occurrence of the crash point, which it may never reach. */
  | { readonly type: "point"; readonly point: CrashPoint; readonly times: number }
  /** The process is killed from outside, this many milliseconds after it was started or ready. */
  | { readonly type: "time"; readonly after: "start" | "ready"; readonly ms: number }

/**
 * A session that starts with one of the round's processes, counted from 0, this many milliseconds after the start of
 * that process.
 */
export interface Arrival {
  readonly scenario: ScenarioName
  readonly generation: number
  readonly afterMs: number
}

export interface RoundPlan {
  readonly name: string
  readonly arrivals: readonly Arrival[]
  /** Deaths of the first processes. The process after them stays alive. */
  readonly deaths: readonly Death[]
  /** Milliseconds after the end of all sessions in which a process may still reach its crash point. */
  readonly afterwardsMs: number
  /** Decides when viewers disconnect. */
  readonly random: Random
  /** A `postgres://` URL of a database. Default: a new data directory. */
  readonly store?: string
  /**
   * Number of gateway processes that share the store. With two, clients know only the first one, and the second one
   * may die at the same crash points. Two require Postgres. Default 1.
   */
  readonly nodes?: 1 | 2
}

export interface RoundRecord {
  /** Folder of the round's data and of its tools' effects. */
  readonly folder: string
  readonly plan: RoundPlan
  readonly observations: readonly Observation[]
  readonly generations: readonly Generation[]
  /** Crash points at which processes died, in order. */
  readonly points: readonly string[]
  /** Failures during the round. */
  readonly failures: readonly string[]
}

/** Milliseconds after which a run that has not ended counts as lost. */
const timeLimitMs = 240_000

/** Plays sessions with a gateway that is killed and restarted, until all accepted work has ended. */
export async function playRound(plan: RoundPlan): Promise<RoundRecord> {
  const folder = await mkdtemp(join(tmpdir(), "agent-gateway-crash-"))
  const upstream = await startScriptedUpstream(scriptedModel(scripts()))
  try {
    return await new Round(plan, {
      folder,
      upstream,
      port: await findFreePort(),
      otherPort: await findFreePort(),
    }).play()
  } finally {
    await upstream.close()
  }
}

interface Surroundings {
  readonly folder: string
  readonly upstream: ScriptedUpstream
  readonly port: number
  /** Port of the second process. */
  readonly otherPort: number
}

class Round {
  readonly #plan: RoundPlan
  readonly #surroundings: Surroundings
  readonly #store: string
  readonly #limit = AbortSignal.timeout(timeLimitMs)
  #sessions = 0
  readonly #over: PlayedSession[] = []
  /** The sessions being played. These promises never reject. Errors are added to the failures. */
  readonly #plays: Promise<void>[] = []
  readonly #generations: Generation[] = []
  #companion: GatewayProcess | null = null
  readonly #failures: string[] = []

  constructor(plan: RoundPlan, surroundings: Surroundings) {
    this.#plan = plan
    this.#surroundings = surroundings
    this.#store = plan.store ?? join(surroundings.folder, "data")
  }

  async play(): Promise<RoundRecord> {
    const { folder } = this.#surroundings
    for (const death of this.#plan.deaths) {
      await this.#accompany(death)
      const gateway = this.#start(death)
      if (death.type === "time") {
        if (death.after === "ready") await gateway.ready
        await delay(death.ms)
      } else {
        await Promise.race([gateway.exited, this.#afterwards()])
      }
      await this.#end(gateway)
    }
    await this.#accompany(null)
    const gateway = this.#start(null)
    await Promise.all(this.#plays)
    const observations = await this.#observe()
    await this.#end(gateway)
    await this.#endCompanion()
    return {
      folder,
      plan: this.#plan,
      observations,
      generations: this.#generations,
      points: await deathsIn(folder),
      failures: this.#failures,
    }
  }

  async #afterwards(): Promise<void> {
    await Promise.all(this.#plays)
    await delay(this.#plan.afterwardsMs, undefined, { ref: false })
  }

  async #observe(): Promise<readonly Observation[]> {
    const { folder, upstream } = this.#surroundings
    try {
      return await observe(this.#over, { folder, store: this.#store, upstream })
    } catch (error) {
      this.#failures.push(`what came of it could not be read: ${toError(error).stack}`)
      return []
    }
  }

  /**
   * Keeps the second process alive. Before a death at a crash point, restarts the process with the same crash point.
   */
  async #accompany(death: Death | null): Promise<void> {
    if (this.#plan.nodes !== 2) return
    const isDead = this.#companion === null || this.#companion.hasExited
    if (!isDead && death?.type !== "point") return
    await this.#endCompanion()
    this.#companion = this.#open(this.#surroundings.otherPort, death)
  }

  async #endCompanion(): Promise<void> {
    const companion = this.#companion
    if (companion === null) return
    this.#companion = null
    companion.kill()
    this.#noteExit(await companion.exited)
  }

  #open(port: number, death: Death | null): GatewayProcess {
    const { folder, upstream } = this.#surroundings
    const crash = death?.type === "point" ? { crashAt: death } : {}
    return startGateway({ folder, port, store: this.#store, upstream: upstream.url, ...crash })
  }

  #start(death: Death | null): GatewayProcess {
    const gateway = this.#open(this.#surroundings.port, death)
    const arriving = this.#plan.arrivals.filter(({ generation }) => generation === this.#generations.length)
    for (const arrival of arriving) this.#plays.push(this.#arrive(arrival))
    return gateway
  }

  async #arrive({ scenario, afterMs }: Arrival): Promise<void> {
    const { name, random } = this.#plan
    const tag = `${name}-${this.#sessions++}`
    const client = new SessionClient(`http://127.0.0.1:${this.#surroundings.port}`, {
      tag,
      signal: this.#limit,
    })
    try {
      await delay(afterMs)
      await play(scenario, client, () => random.chance(0.05))
      this.#over.push({ scenario, client })
    } catch (error) {
      const why = this.#limit.aborted ? `it was not over after ${timeLimitMs} ms` : toError(error).message
      this.#failures.push(`${lost} ${scenario} ${tag} (${client.id}): ${why}`)
    }
  }

  async #end(gateway: GatewayProcess): Promise<void> {
    gateway.kill()
    const exit = await gateway.exited
    this.#generations.push({
      startedAt: gateway.startedAt,
      readyAt: await gateway.ready,
      endedAt: exit.at,
    })
    this.#noteExit(exit)
  }

  #noteExit({ killed, log }: Exit): void {
    if (!killed) this.#failures.push(`a gateway ended by itself: ${log}`)
    const errors = log.split("\n").filter((line) => line.includes('"level":50'))
    this.#failures.push(...errors.map((line) => `a gateway logged ${line}`))
  }
}
