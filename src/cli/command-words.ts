import { findClosestWord } from "../core/text/closest-word.ts"
import { type CommandName, commandHelp, isCommandName } from "./help.ts"

export interface CommandWords {
  readonly actions: readonly string[]
  readonly options: readonly string[]
}

/** Returns the words that a command accepts. Reads them from its help, which is the only list of them. */
export function listCommandWords(command: CommandName): CommandWords {
  const help = commandHelp[command]
  const usages = [...help.matchAll(new RegExp(`agent-gateway ${command} ([a-z|-]+)(?= |$)`, "gm"))]
  const actions = usages.flatMap(([, words = ""]) => words.split("|"))
  const options = [...help.matchAll(/^ {2,}(?:-\w, )?(--[a-z-]+)/gm)].map(([, option = ""]) => option)
  return { actions: [...new Set(actions)], options: [...new Set([...options, "--help"])] }
}

/** Describes an action that a command does not have, or that is missing. */
export function describeActionProblem(command: CommandName, action: string | undefined): string {
  if (action === undefined) return "an action is missing"
  return `unknown action ${action}${suggestWord(action, listCommandWords(command).actions)}`
}

/** Returns a hint for an option that a command does not have. Empty if none is similar. */
export function suggestOption(command: string, option: string): string {
  return isCommandName(command) ? suggestWord(option, listCommandWords(command).options) : ""
}

/** Returns the hint to append to an error about a misspelled word. Empty if no candidate is similar. */
export function suggestWord(word: string, candidates: readonly string[]): string {
  const meant = findClosestWord(word, candidates)
  return meant === null ? "" : `; did you mean ${meant}?`
}
