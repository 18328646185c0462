import type { Readable } from "node:stream"

/** Resolves with the match of the pattern once it is printed. Later output can be waited for in the same way. */
export async function untilPrinted(output: Readable, pattern: RegExp): Promise<RegExpExecArray> {
  let printed = ""
  for await (const text of output.iterator({ destroyOnReturn: false })) {
    printed += String(text)
    const match = pattern.exec(printed)
    if (match !== null) return match
  }
  throw new Error(`The program ended before it printed ${pattern}: ${printed}`)
}

/** Returns the console's address from the output of `agent-gateway dev`, once it is printed. */
export async function consoleAddress(output: Readable): Promise<string> {
  const [, url = ""] = await untilPrinted(output, /in a browser: (\S+)/)
  return url
}
