/** Instructions for the upstream. They travel as the text of the user's message through the measured server. */
export interface Script {
  readonly tokens: number
  /** Number of tokens in one write. One read from a real provider often returns several events. */
  readonly perWrite: number
  /** Milliseconds between writes. 0: one write on each turn of the upstream's event loop. */
  readonly pauseMs: number
  /** If true, the stream stays open after the tokens. */
  readonly hold: boolean
  /** If true, the model calls a tool before it sends the tokens. Default false. */
  readonly callsTool?: boolean
}

export function scriptText({ tokens, perWrite, pauseMs, hold, callsTool = false }: Script): string {
  return `script ${tokens} ${perWrite} ${pauseMs} ${hold ? 1 : 0}${callsTool ? " tool" : ""}`
}

/** Finds the script in a request's body without parsing the body. If there are several, the last one applies. */
export function findScript(body: string): Script {
  const found = /script (\d+) (\d+) (\d+) (\d)/.exec(body.slice(body.lastIndexOf("script ")))
  if (found === null) throw new Error("The request has no script for the upstream.")
  const [, tokens, perWrite, pauseMs, hold] = found.map(Number)
  return { tokens: tokens ?? 0, perWrite: perWrite ?? 1, pauseMs: pauseMs ?? 0, hold: hold === 1 }
}

export function tokenText(index: number): string {
  return ` word${index}`
}
