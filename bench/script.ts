/**
 * Instructions for the upstream. It travels as the text of the user's message, through whichever server is measured.
 */
export interface Script {
  readonly tokens: number
  /** Tokens of one write; what one read of a real service brings is often more than one event. */
  readonly perWrite: number
  /** Pause between writes in milliseconds; 0: one write on each turn of the upstream's event loop. */
  readonly pauseMs: number
  /** After the tokens nothing more comes, and the stream stays open. */
  readonly hold: boolean
}

export function scriptText({ tokens, perWrite, pauseMs, hold }: Script): string {
  return `script ${tokens} ${perWrite} ${pauseMs} ${hold ? 1 : 0}`
}

/** Finds the script in a request's body without parsing the body. The last one counts. */
export function findScript(body: string): Script {
  const found = /script (\d+) (\d+) (\d+) (\d)/.exec(body.slice(body.lastIndexOf("script ")))
  if (found === null) throw new Error("The request has no script for the upstream.")
  const [, tokens, perWrite, pauseMs, hold] = found.map(Number)
  return { tokens: tokens ?? 0, perWrite: perWrite ?? 1, pauseMs: pauseMs ?? 0, hold: hold === 1 }
}

export function tokenText(index: number): string {
  return ` word${index}`
}
