/**
 * A client's place in a stream, finer than an entry: an entry may have several frames, and the text of a message may
 * come in one piece later, after its deltas were dropped.
 */
export interface Cursor {
  /** The last entry of which the client has received a frame. */
  readonly seq: number
  /** Number of its frames that the client has received. Null if it has received all. */
  readonly frames: number | null
  /** Characters that the client has received of the message that streams at this place. */
  readonly characters: number
  /** The part of that message that is open for the client. Null for none. */
  readonly part: PartMark | null
  /** Number of frames after all entries that the client has received. */
  readonly atEnd: number
}

/** A part of a message: `m` is the text that has the message's own id, `t` another text, and `r` reasoning. */
export interface PartMark {
  readonly kind: "m" | "t" | "r"
  readonly index: number
}

const form = /^(\d{1,15})(?:-(\d{1,4}))?(?:\.(\d{1,15})(?:([mtr])(\d{1,4}))?)?(?:\+(\d{1,4}))?$/

/** Returns the place of an event id. Null if this wire has no such id. */
export function parseCursor(id: string): Cursor | null {
  const [, seq, frames, characters = 0, kind, index, atEnd = 0] = form.exec(id) ?? []
  if (seq === undefined) return null
  return {
    seq: Number(seq),
    frames: frames === undefined ? null : Number(frames),
    characters: Number(characters),
    part: kind === undefined ? null : { kind: kind as PartMark["kind"], index: Number(index) },
    atEnd: Number(atEnd),
  }
}

/** A place within the message that streams. */
export interface MessagePlace {
  readonly characters: number
  readonly part: PartMark | null
}

/** Returns the id of a frame. `frames` is the number of the entry's frames so far, or null for its last one. */
export function formatCursor(seq: number, frames: number | null, { characters, part }: MessagePlace): string {
  const entry = frames === null ? `${seq}` : `${seq}-${frames}`
  if (characters === 0) return entry
  return part === null ? `${entry}.${characters}` : `${entry}.${characters}${part.kind}${part.index}`
}

/** The place between two messages. */
export const noMessage: MessagePlace = { characters: 0, part: null }

/** Returns true if the client has not even received the opening of its stream. */
export function isBeforeStart({ seq, frames }: Cursor): boolean {
  return seq === 0 && frames !== null
}

/** Returns the last entry that the client has received completely. */
export function findLastWhole({ seq, frames }: Cursor): number {
  return frames === null ? seq : seq - 1
}
