import type { SkillMistake } from "../skill.ts"

/** Collects the mistakes of one skill, so that all of them are reported at once. */
export interface Report {
  readonly mistakes: readonly SkillMistake[]
  add(source: SkillMistake["source"], field: string | null, rule: string, remedy: string): void
}

export function createReport(file: string): Report {
  const mistakes: SkillMistake[] = []
  return {
    mistakes,
    add(source, field, rule, remedy) {
      mistakes.push({ file, field, rule, remedy, source })
    },
  }
}
