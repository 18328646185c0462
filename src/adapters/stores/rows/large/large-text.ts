import { toJsonPieces } from "../../../../core/json/json-pieces.ts"
import { waitForNextSlice } from "../../../../core/time/next-slice.ts"

/** A large value as a row stores it. */
export interface LargeText {
  /** The JSON of the value, or a store's reference to it. */
  readonly text: string
  /** Bytes of the JSON. */
  readonly bytes: number
}

/** Creates the text of a large value in slices (rule 15). A store may write it into separate rows. */
export type WriteLarge = (value: object) => Promise<LargeText>

export async function writeJson(value: object): Promise<LargeText> {
  const pieces: string[] = []
  let bytes = 0
  for (const piece of toJsonPieces(value)) {
    await waitForNextSlice()
    pieces.push(piece)
    bytes += Buffer.byteLength(piece)
  }
  return { text: pieces.join(""), bytes }
}
