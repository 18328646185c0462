import { matchesTerm, type QueryTerm, splitIntoTerms } from "./terms.ts"

/** The parts of a memory that its rank depends on. */
export interface MemoryHead {
  readonly id: number
  readonly name: string
  readonly updatedAt: number
}

/** The memories that contain one term of a query. */
export interface TermMatches {
  readonly term: QueryTerm
  readonly ids: readonly number[]
}

/** A memory that matches a query. */
export interface RankedMemory {
  readonly id: number
  /** Null if the query has neither a text nor a vector. */
  readonly score: number | null
}

/** Days after which the bonus of a new memory has halved, and the size of the bonus. */
const halfLifeDays = 30
const recencyBonus = 0.25
/** A less similar vector is not a match. */
const minSimilarity = 0.2
/** Reduces the difference between the first ranks of two joined rankings. */
const rankOffset = 60

/** Maximum number of memories whose names are checked. */
const maxNames = 100

const dayMs = 86_400_000

/**
 * Ranks memories by their terms. Rare terms count more, a term in the name counts twice, and a new memory counts a
 * little more than an old one. Returns the memories with a term, the best first.
 */
export function rankByTerms(
  heads: readonly MemoryHead[],
  matches: readonly TermMatches[],
  { total, now }: { readonly total: number; readonly now: number },
): readonly RankedMemory[] {
  const weights = matches.map(({ ids }) => Math.log(1 + (total - ids.length + 0.5) / (ids.length + 0.5)))
  const scores = new Map<number, number>()
  for (const [index, { ids }] of matches.entries()) {
    for (const id of ids) scores.set(id, (scores.get(id) ?? 0) + (weights[index] ?? 0))
  }
  const computeRecency = (head: MemoryHead) =>
    1 + recencyBonus * 2 ** -(computeAgeDays(head, now) / halfLifeDays)
  const computeScore = (head: MemoryHead) => (scores.get(head.id) ?? 0) * computeRecency(head)
  const found = heads.filter(({ id }) => scores.has(id))
  const byId = new Map(found.map((head) => [head.id, head]))
  // Checking names takes longer than everything else, and a name at most doubles the score of a memory.
  const sorted = sortByScore(found, computeScore)
  const first = sorted.slice(0, maxNames).flatMap(({ id }) => byId.get(id) ?? [])
  const scoreName = (head: MemoryHead) =>
    computeNameWeight(splitIntoTerms(head.name), matches, weights) * computeRecency(head)
  const named = sortByScore(first, (head) => computeScore(head) + scoreName(head))
  return [...named, ...sorted.slice(maxNames)]
}

function computeNameWeight(
  nameTerms: readonly string[],
  matches: readonly TermMatches[],
  weights: readonly number[],
): number {
  return matches.reduce((sum, { term }, index) => {
    return nameTerms.some((found) => matchesTerm(term, found)) ? sum + (weights[index] ?? 0) : sum
  }, 0)
}

/** Ranks memories by time alone, the newest first. */
export function rankByTime(heads: readonly MemoryHead[]): readonly RankedMemory[] {
  return sortByScore(heads, () => 0).map(({ id }) => ({ id, score: null }))
}

/** Ranks memories by the similarity of vectors, and leaves out dissimilar ones. */
export function rankBySimilarity(
  heads: readonly MemoryHead[],
  similarities: ReadonlyMap<number, number>,
): readonly RankedMemory[] {
  const similar = heads.filter(({ id }) => (similarities.get(id) ?? 0) >= minSimilarity)
  return sortByScore(similar, ({ id }) => similarities.get(id) ?? 0)
}

/** Joins rankings whose scores cannot be compared. A high rank in any of them counts. */
export function joinRankings(rankings: readonly (readonly RankedMemory[])[]): readonly RankedMemory[] {
  const scores = new Map<number, number>()
  for (const ranking of rankings) {
    for (const [rank, { id }] of ranking.entries())
      scores.set(id, (scores.get(id) ?? 0) + 1 / (rankOffset + rank))
  }
  return [...scores].sort((left, right) => right[1] - left[1]).map(([id, score]) => ({ id, score }))
}

/**
 * Returns the cosine of the angle between two vectors. Returns 0 if their lengths differ, or if one has no direction.
 */
export function computeCosineSimilarity(left: ArrayLike<number>, right: ArrayLike<number>): number {
  if (left.length !== right.length) return 0
  let product = 0
  let leftSquare = 0
  let rightSquare = 0
  for (let index = 0; index < left.length; index++) {
    const a = left[index] ?? 0
    const b = right[index] ?? 0
    product += a * b
    leftSquare += a * a
    rightSquare += b * b
  }
  const cosine = product / Math.sqrt(leftSquare * rightSquare)
  return Number.isFinite(cosine) ? cosine : 0
}

/** Sorts by score. If scores are equal, the newer memory comes first, then the one that was created later. */
function sortByScore(
  heads: readonly MemoryHead[],
  scoreOf: (head: MemoryHead) => number,
): readonly RankedMemory[] {
  return heads
    .map((head) => ({ head, score: scoreOf(head) }))
    .sort(
      (left, right) =>
        right.score - left.score ||
        right.head.updatedAt - left.head.updatedAt ||
        right.head.id - left.head.id,
    )
    .map(({ head, score }) => ({ id: head.id, score }))
}

function computeAgeDays({ updatedAt }: MemoryHead, now: number): number {
  return Math.max(0, now - updatedAt) / dayMs
}
