import { UsageError } from "../../cli-error.ts"

/** The longest delay of a timer. */
const maxSeconds = 2_147_483

/** Parses a number of seconds, or a number with the unit `s`, `m` or `h`, as `timeout(1)` does. */
export function parseSeconds(text: string | undefined, option: string): number | undefined {
  if (text === undefined) return undefined
  const [, number = "", unit = "s"] = /^(\d+(?:\.\d+)?)([smh])?$/.exec(text) ?? []
  const value = Number(number) * { s: 1, m: 60, h: 3600 }[unit as "s" | "m" | "h"]
  if (number !== "" && value > 0 && value <= maxSeconds) return value
  throw new UsageError(
    `${option} must be a time such as 90, 90s, 10m or 2h, at most 596h, but it is ${JSON.stringify(text)}.`,
  )
}

export function parseDollars(text: string | undefined, option: string): number | undefined {
  if (text === undefined) return undefined
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text)
  throw new UsageError(`${option} must be US dollars such as 0.50, but it is ${JSON.stringify(text)}.`)
}
