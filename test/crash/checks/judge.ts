import type { RoundRecord } from "../support/round.ts"
import { checkAnswers } from "./answers.ts"
import { checkDeliveries } from "./deliveries.ts"
import { checkEffects } from "./effects.ts"
import { checkModelCalls } from "./model-calls.ts"
import type { Check } from "./observation.ts"
import { resumptions } from "./recovery.ts"
import { checkRuns } from "./runs.ts"
import { checkTree } from "./tree.ts"
import { checkViewers } from "./viewers.ts"

const checks: readonly Check[] = [
  checkRuns,
  checkEffects,
  checkAnswers,
  checkViewers,
  checkModelCalls,
  checkDeliveries,
  checkTree,
]

/** Returns everything in a round that breaks the guarantees, one line each. */
export function violationsOf(record: RoundRecord, limits: { readonly resumeMs: number }): readonly string[] {
  const violations = [...record.failures]
  for (const observation of record.observations) {
    const { scenario, client } = observation
    const found = checks.flatMap((check) => [...check(observation)])
    for (const ms of resumptions(observation, record.generations)) {
      if (ms > limits.resumeMs) found.push(`it was resumed ${ms} ms after /ready`)
    }
    violations.push(...found.map((violation) => `${violation} [${scenario}, ${client.tag}, ${client.id}]`))
  }
  return violations.map((violation) => `round ${record.plan.name}: ${violation} (${record.folder})`)
}
