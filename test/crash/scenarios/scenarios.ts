import { prompt, type Script } from "../support/model.ts"
import type { SessionClient } from "../support/session-client.ts"
import { answerScenarios } from "./answers.ts"
import { cancelScenarios } from "./cancels.ts"
import { childScenarios, subAgentScripts } from "./children.ts"
import { responseScenarios } from "./responses.ts"
import type { Scenario } from "./scenario.ts"
import { toolScenarios } from "./tools.ts"

/** Tokens of the scripted model's context window. */
export const contextWindow = 20_000

const all = {
  ...responseScenarios,
  ...toolScenarios,
  ...cancelScenarios,
  ...answerScenarios,
  ...childScenarios,
}

export type ScenarioName = keyof typeof all

/** All scenarios. Each is played in its own session. */
export const scenarios: Readonly<Record<ScenarioName, Scenario>> = all
export const scenarioNames = Object.keys(all) as readonly ScenarioName[]

export function scripts(): Readonly<Record<string, Script>> {
  const ofSessions = Object.fromEntries(scenarioNames.map((name) => [name, scenarios[name].model]))
  return { ...ofSessions, ...subAgentScripts }
}

/** Plays a scenario to the end of its last run, with two viewers. */
export async function play(name: ScenarioName, client: SessionClient, leave: () => boolean): Promise<void> {
  await client.open()
  client.watch({ ends: scenarios[name].runs, leave })
  await scenarios[name].play(client, prompt(name, client.tag))
  await client.over()
}
