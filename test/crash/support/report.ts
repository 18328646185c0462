import { rm } from "node:fs/promises"
import { violationsOf } from "../checks/judge.ts"
import { lost, repeated } from "../checks/kinds.ts"
import { all, eventsOf } from "../checks/observation.ts"
import { recovered, resumptions } from "../checks/recovery.ts"
import type { RoundRecord } from "./round.ts"

/** The results of several rounds. */
export class Report {
  readonly violations: string[] = []
  readonly #points = new Map<string, number>()
  readonly #resumeMs: number[] = []
  readonly #limits: { readonly resumeMs: number }
  #rounds = 0
  #kills = 0
  #sessions = 0
  #runs = 0
  #recovered = 0
  #interrupted = 0
  #effects = 0

  constructor(limits: { readonly resumeMs: number }) {
    this.#limits = limits
  }

  /** Number of deaths at each crash point. */
  get points(): ReadonlyMap<string, number> {
    return this.#points
  }

  /** Resolves to the violations of this round. If there are none, removes the round's folder. */
  async add(record: RoundRecord): Promise<readonly string[]> {
    this.#rounds += 1
    this.#kills += record.generations.length - 1
    for (const point of record.points) this.#points.set(point, (this.#points.get(point) ?? 0) + 1)
    for (const observation of record.observations) {
      this.#sessions += 1
      this.#runs += observation.client.runs.length
      this.#recovered += recovered(observation, record.generations)
      this.#interrupted += all(eventsOf(observation), "toolCallInterrupted").length
      for (const { effects } of [observation, ...observation.below]) this.#effects += effects.length
      this.#resumeMs.push(...resumptions(observation, record.generations))
    }
    const violations = violationsOf(record, this.#limits)
    this.violations.push(...violations)
    if (violations.length === 0) await rm(record.folder, { recursive: true, force: true })
    return violations
  }

  toString(): string {
    const times = this.#resumeMs.toSorted((left, right) => left - right)
    const about = (kind: string) => this.violations.filter((violation) => violation.includes(kind)).length
    const points = [...this.#points].toSorted(([left], [right]) => left.localeCompare(right))
    return [
      `rounds                ${this.#rounds}`,
      `kills                 ${this.#kills}`,
      `sessions, runs        ${this.#sessions}, ${this.#runs}`,
      `recovered runs        ${this.#recovered}`,
      `interrupted calls     ${this.#interrupted}`,
      `side effects          ${this.#effects}`,
      `repeated side effects ${about(repeated)}`,
      `lost                  ${about(lost)}`,
      `violations            ${this.violations.length}`,
      `resumed after /ready  median ${times[times.length >> 1] ?? 0} ms, most ${times.at(-1) ?? 0} ms (${times.length} resumptions)`,
      `crash points hit      ${points.length}`,
      ...points.map(([point, count]) => `  ${point.padEnd(40)} ${count}`),
    ].join("\n")
  }
}
