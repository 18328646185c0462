import { isLargeJson } from "../../../../core/json/json-pieces.ts"
import { parseInSlices } from "../../../../core/json/parse-in-slices.ts"
import type { PutCommand } from "../../../../core/ports/store/inbox.ts"
import type { Command, MessageInput, StoredCommand } from "../../../../core/ports/store/session-log.ts"
import {
  findLargeContent,
  type LargeContents,
  makeLargeContents,
  noLargeContents,
} from "../../rows/large/large-contents.ts"
import type { LargeText } from "../../rows/large/large-text.ts"
import type { Database } from "../database/database.ts"
import { dropUnusedTexts, loadText, storeText } from "./large-texts.ts"
import { readReference, type TextReference } from "./text-reference.ts"

export interface LargePut<Result> {
  readonly command: PutCommand
  readonly now: number
  /** Returns false if the command would be refused now. Its texts are then not stored. */
  readonly isWanted: () => boolean
  /** Puts the command inside a transaction. */
  readonly put: (texts: LargeContents) => Result
}

/** Puts a command whose large contents are stored before its transaction. */
export async function putLarge<Result>(
  database: Database,
  { command, now, isWanted, put }: LargePut<Result>,
): Promise<Result> {
  const isLarge = command.type === "message" && isLargeJson(command.input)
  if (!isLarge || !(await database.read(isWanted))) return database.write(() => put(noLargeContents))
  const { sessionId } = command
  const texts = await makeLargeContents(command, async (value) => {
    const { text, bytes } = await storeText(database, { sessionId, value, now })
    return { text: JSON.stringify(text), bytes }
  })
  const ids = [...texts.values()].flatMap((content) => findReferenceIn(content)?.id ?? [])
  return database.write(() => {
    const result = put(texts)
    dropUnusedTexts(database, ids)
    return result
  })
}

function findReferenceIn(content: LargeText): TextReference | null {
  return readReference(content.text.slice(1, -1))
}

/** Returns the reference that takes the place of a command's large content. Null if there is none. */
export function findReference(command: StoredCommand, texts: LargeContents): TextReference | null {
  const content = findLargeContent(command, texts)
  return content === null ? null : findReferenceIn(content)
}

/** Resolves to the command with its large content. Resolves to null if the command has been removed. */
export async function restoreContent(database: Database, command: Command): Promise<Command | null> {
  const load = async (value: unknown) => {
    const reference = readReference(value)
    const text = reference === null ? null : await loadText(database, command.sessionId, reference)
    return text === null ? null : parseInSlices(text)
  }
  if (command.type === "steer" && readReference(command.content) !== null) {
    const content = (await load(command.content)) as typeof command.content | null
    return content === null ? null : { ...command, content }
  }
  if (command.type !== "message") return command
  const { input } = command
  const value: unknown = input.type === "message" ? input.content : input.messages
  if (readReference(value) === null) return command
  const loaded = await load(value)
  // This package wrote the text, so its shape is not checked.
  const restored = input.type === "message" ? { ...input, content: loaded } : { ...input, messages: loaded }
  return loaded === null ? null : { ...command, input: restored as MessageInput }
}
