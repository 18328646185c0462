export const quietToken = "HEARTBEAT_OK"

/** The token alone on a line, in forms that models write: with spaces, Markdown, or a period. */
const aloneOnLine = /^[\s*_`~#>-]*HEARTBEAT_OK[\s*_`~.!]*$/

export interface StrippedResponse {
  /** The response without any token. */
  readonly text: string
  /** If true, the token was alone on the first or the last line that is not blank. */
  readonly hasToken: boolean
}

/** Removes the token from a response, wherever it is, so that no person receives it. */
export function stripHeartbeatOk(response: string): StrippedResponse {
  const lines = response.trim().split(/\r\n|\n|\r/)
  const isFirst = aloneOnLine.test(lines[0] ?? "")
  const isLast = lines.length > 1 && aloneOnLine.test(lines.at(-1) ?? "")
  const rest = lines.slice(isFirst ? 1 : 0, isLast ? -1 : undefined).join("\n")
  return { text: removeToken(rest).trim(), hasToken: isFirst || isLast }
}

const lastOfToken = quietToken.at(-1)

/** Removes the token, and those that nested tokens leave. Takes linear time, however deep they nest. */
function removeToken(text: string): string {
  if (!text.includes(quietToken)) return text
  const kept: string[] = []
  for (const unit of text.split("")) {
    kept.push(unit)
    const isToken = unit === lastOfToken && kept.slice(-quietToken.length).join("") === quietToken
    if (isToken) kept.length -= quietToken.length
  }
  return kept.join("")
}
