import type {
  FoundMemory,
  MemoryListQuery,
  MemoryOwnersQuery,
  MemoryPage,
  MemoryRecord,
  MemoryScope,
  MemoryVector,
  OwnedMemories,
  RecallQuery,
} from "../../../core/ports/store/memory.ts"
import { waitForNextSlice } from "../../../core/time/next-slice.ts"
import { type Row, readInteger, readText, unescapeText } from "../rows/columns.ts"
import type { Sql } from "../sql/statement.ts"
import type { RankedMemory, TermMatches } from "./ranking.ts"
import {
  computeCosineSimilarity,
  joinRankings,
  rankBySimilarity,
  rankByTerms,
  rankByTime,
} from "./ranking.ts"
import { type FilteredHead, matchesFilter, readVector, toHead, toMemory } from "./rows.ts"
import {
  countMemories,
  type MemorySlice,
  selectByIds,
  selectHeads,
  selectHeadsByIds,
  selectOwners,
  selectPage,
  selectVectors,
} from "./sql.ts"
import { type QueryTerm, toQueryTerms } from "./terms.ts"

export interface MemoryReader {
  /** Reads the rows of one statement at once. */
  all(statement: Sql): Promise<readonly Row[]>
  /** Returns the ids of the scope's memories that contain each of the terms. */
  matching(scope: MemoryScope, terms: readonly QueryTerm[]): Promise<readonly TermMatches[]>
  /** Returns the time of the store's clock, in milliseconds since the Unix epoch. */
  now(): Promise<number>
}

/** Maximum rows, and vectors, which are larger, that one turn of the event loop reads (rule 15). */
const sliceRows = 200
const sliceVectors = 50
/** Maximum memories of a page. */
const maxPage = 200

/** Lists the scopes that have memories. */
export async function listMemoryOwners(
  reader: MemoryReader,
  query: MemoryOwnersQuery,
): Promise<readonly OwnedMemories[]> {
  const rows = await reader.all(selectOwners(query, await reader.now()))
  return rows.map((row) => {
    const agent = unescapeText(readText(row, "agent"))
    return {
      tenant: unescapeText(readText(row, "tenant")),
      userId: unescapeText(readText(row, "user_id")),
      agent: agent === "" ? null : agent,
      count: readInteger(row, "count"),
      updatedAt: readInteger(row, "updated_at"),
    }
  })
}

/** Finds the most relevant memories by the same rules in both databases. */
export async function findMemories(
  reader: MemoryReader,
  scope: MemoryScope,
  query: RecallQuery,
): Promise<readonly FoundMemory[]> {
  const now = await reader.now()
  const ranked = (await rankAll(reader, scope, query, now)).slice(0, Math.max(0, query.limit))
  if (ranked.length === 0) return []
  const ids = ranked.map(({ id }) => id)
  const rows = await reader.all(selectByIds(scope, ids, now))
  const memories = new Map(rows.map((row) => [readInteger(row, "id"), toMemory(row)]))
  return ranked.flatMap(({ id, score }) => {
    const memory = memories.get(id)
    return memory === undefined ? [] : [{ ...memory, score }]
  })
}

async function rankAll(
  reader: MemoryReader,
  scope: MemoryScope,
  { text, vector, ...filter }: RecallQuery,
  now: number,
): Promise<readonly RankedMemory[]> {
  if (text === undefined && vector === undefined) {
    return rankByTime(await readHeads(reader, scope, null, now).then((heads) => heads.filter(fits)))
  }
  const terms = text === undefined ? [] : toQueryTerms(text)
  const matches = terms.length === 0 ? [] : await reader.matching(scope, terms)
  const matching = [...new Set(matches.flatMap(({ ids }) => ids))]
  const heads = await readHeads(reader, scope, vector === undefined ? matching : null, now)
  const matchingHeads = heads.filter(fits)
  const byTerms = rankByTerms(matchingHeads, matches, { total: await countOf(reader, scope, now), now })
  if (vector === undefined) return byTerms
  const similarities = await computeSimilarities(reader, scope, vector, now)
  return joinRankings([byTerms, rankBySimilarity(matchingHeads, similarities)])

  function fits(head: FilteredHead): boolean {
    return matchesFilter(head, filter)
  }
}

/** Reads the heads of memories. If `ids` is null, reads all heads of the scope. */
async function readHeads(
  { all }: MemoryReader,
  scope: MemoryScope,
  ids: readonly number[] | null,
  now: number,
): Promise<readonly FilteredHead[]> {
  const heads: FilteredHead[] = []
  if (ids === null) {
    const read = (slice: MemorySlice) => all(selectHeads(scope, slice, now))
    for await (const rows of readSlices(read, sliceRows)) heads.push(...rows.map(toHead))
    return heads
  }
  for (let first = 0; first < ids.length; first += sliceRows) {
    if (first > 0) await waitForNextSlice()
    const rows = await all(selectHeadsByIds(scope, ids.slice(first, first + sliceRows), now))
    heads.push(...rows.map(toHead))
  }
  return heads
}

async function computeSimilarities(
  { all }: MemoryReader,
  scope: MemoryScope,
  { model, values }: MemoryVector,
  now: number,
): Promise<ReadonlyMap<number, number>> {
  const read = (slice: MemorySlice) => all(selectVectors(scope, model, { slice, at: now }))
  const similarities = new Map<number, number>()
  for await (const rows of readSlices(read, sliceVectors)) {
    for (const row of rows)
      similarities.set(readInteger(row, "id"), computeCosineSimilarity(values, readVector(row)))
  }
  return similarities
}

/** Reads rows in the order of their ids, one slice in each turn of the event loop. */
async function* readSlices(
  read: (slice: MemorySlice) => Promise<readonly Row[]>,
  count: number,
): AsyncIterable<readonly Row[]> {
  for (let afterId = 0; ; ) {
    const rows = await read({ afterId, count })
    yield rows
    const last = rows.at(-1)
    if (last === undefined || rows.length < count) return
    afterId = readInteger(last, "id")
    await waitForNextSlice()
  }
}

async function countOf({ all }: MemoryReader, scope: MemoryScope, now: number): Promise<number> {
  const [row] = await all(countMemories(scope, now))
  return row === undefined ? 0 : readInteger(row, "count")
}

/** Lists memories by type and name. Reads slices of rows until the page is full. */
export async function listMemories(
  { all, now }: MemoryReader,
  scope: MemoryScope,
  { after: first, limit: wanted, ...filter }: MemoryListQuery,
): Promise<MemoryPage> {
  const limit = Math.max(1, Math.min(wanted, maxPage))
  const time = await now()
  const memories: MemoryRecord[] = []
  for (let after = first; ; ) {
    const rows = await all(selectPage(scope, after, { count: limit, at: time }))
    for (const [index, row] of rows.entries()) {
      const memory = toMemory(row)
      after = { entityType: memory.entityType, name: memory.name }
      if (matchesFilter(memory, filter)) memories.push(memory)
      if (memories.length < limit) continue
      const isLast = index === rows.length - 1 && rows.length < limit
      return { memories, next: isLast ? null : after }
    }
    if (rows.length < limit) return { memories, next: null }
    await waitForNextSlice()
  }
}
