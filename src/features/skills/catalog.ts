import type { Skill } from "./skill.ts"

/** Maximum number of skills, and maximum bytes of their list, in the system prompt. */
const maxListed = 100
const maxListedBytes = 8_000
const maxFound = 20
const maxWords = 50
/** Minimum letters of a word that also matches its other forms. */
const minStem = 4
const maxDescriptionCharacters = 1_024

/**
 * Returns true if the system prompt lists the skills. Otherwise the model finds skills only with the tool
 * `search_skills`.
 */
export function isListed(skills: readonly Skill[]): boolean {
  return skills.length <= maxListed && Buffer.byteLength(list(skills)) <= maxListedBytes
}

/** Returns the text of the system prompt about the skills. Null if there are none. */
export function writeCatalog(skills: readonly Skill[]): string | null {
  if (skills.length === 0) return null
  const rules =
    "A skill has instructions for a kind of task. When a task matches the description of a skill, " +
    "call load_skill before you " +
    "start, and follow the instructions that it returns. While a skill is loaded, its limits on tools hold."
  if (!isListed(skills)) {
    return `# Skills\n\nThere are ${skills.length} skills. Call search_skills to find the ones for a task. ${rules}`
  }
  return `# Skills\n\n${rules}\n\n${list(skills)}`
}

function list(skills: readonly Skill[]): string {
  return skills.map((skill) => `- ${skill.name}: ${describe(skill)}`).join("\n")
}

export function describe({ description }: Skill): string {
  return [...description.replace(/\s+/g, " ")].slice(0, maxDescriptionCharacters).join("")
}

/**
 * Returns the skills that match the words of a query best, at most 20. A word in the name counts more than one in the
 * description. Skills without any of the words are left out.
 */
export function searchSkills(skills: readonly Skill[], query: string): readonly Skill[] {
  const wanted = splitIntoWords(query).slice(0, maxWords)
  const scored = skills.map((skill) => {
    const name = splitIntoWords(skill.name)
    const description = splitIntoWords(skill.description)
    const score = wanted.reduce(
      (sum, word) => sum + (has(name, word) ? 3 : 0) + (has(description, word) ? 1 : 0),
      0,
    )
    return { skill, score }
  })
  return scored
    .filter(({ score }) => score > 0)
    .sort((left, right) => right.score - left.score)
    .slice(0, maxFound)
    .map(({ skill }) => skill)
}

function splitIntoWords(text: string): readonly string[] {
  return [...new Set(text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [])]
}

/**
 * Compares words. Long words also match longer and shorter forms, so `report` matches `reports` and `reports` matches
 * `report`.
 */
function has(words: readonly string[], wanted: string): boolean {
  return words.some(
    (word) =>
      word === wanted ||
      (wanted.length >= minStem && word.startsWith(wanted)) ||
      (word.length >= minStem && wanted.startsWith(word)),
  )
}
