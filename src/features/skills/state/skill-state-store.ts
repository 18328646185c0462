import { GatewayError } from "../../../core/errors.ts"
import { isJsonObject, type JsonObject } from "../../../core/json/json.ts"
import { loadState, mergeState, updateState } from "../../../platform/state-files/state-file.ts"

/** Maximum bytes of one skill's state as JSON. The model sees all of it. */
const maxSkillBytes = 64 * 1024

export interface SkillStateOptions {
  /** Ends the wait for other writers of the file. */
  readonly signal?: AbortSignal
}

/**
 * Keeps a JSON object for each skill in one file, whose keys are the names of the skills. Several processes may use
 * the file at the same time. Changes happen one after the other, and readers see complete states.
 */
export class SkillStateStore {
  readonly stateFile: string

  constructor(stateFile: string) {
    this.stateFile = stateFile
  }

  /** Resolves to the state of the skill, or to an empty object. */
  async get(skill: string): Promise<JsonObject> {
    return readState(await loadState(this.stateFile), skill)
  }

  /** Replaces the state of the skill. */
  async set(skill: string, state: JsonObject, options: SkillStateOptions = {}): Promise<void> {
    await this.#change(skill, () => state, options)
  }

  /** Replaces the keys of the update, and removes keys whose value is null. Resolves to the new state. */
  async merge(skill: string, update: JsonObject, options: SkillStateOptions = {}): Promise<JsonObject> {
    return readState(await this.#change(skill, (state) => mergeState(state, update), options), skill)
  }

  /** Removes the state of the skill. */
  async clear(skill: string, options: SkillStateOptions = {}): Promise<void> {
    await updateState(
      this.stateFile,
      (states) => Object.fromEntries(Object.entries(states).filter(([name]) => name !== skill)),
      options,
    )
  }

  #change(
    skill: string,
    change: (state: JsonObject) => JsonObject,
    options: SkillStateOptions,
  ): Promise<JsonObject> {
    return updateState(
      this.stateFile,
      (states) => {
        const state = change(readState(states, skill))
        if (Buffer.byteLength(JSON.stringify(state)) > maxSkillBytes) {
          throw new GatewayError(
            { code: "state_too_large", status: 413 },
            `The state of the skill was not saved: it would have more than ${maxSkillBytes} ` +
              "bytes. The former state is unchanged.",
          )
        }
        // A literal is not used, because the name may be that of a member that every object has.
        return Object.fromEntries(new Map([...Object.entries(states), [skill, state]]))
      },
      options,
    )
  }
}

function readState(states: JsonObject, skill: string): JsonObject {
  const state = Object.hasOwn(states, skill) ? states[skill] : undefined
  return isJsonObject(state) ? state : {}
}
