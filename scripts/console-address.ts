import type { Readable } from "node:stream"

/** Returns the console's address from the output of `agent-gateway dev`, once it is printed. */
export async function consoleAddress(output: Readable): Promise<string> {
  let printed = ""
  for await (const text of output.iterator({ destroyOnReturn: false })) {
    printed += String(text)
    const [, url] = /in a browser: (\S+)/.exec(printed) ?? []
    if (url === undefined) continue
    output.resume()
    return url
  }
  throw new Error(`The gateway did not start: ${printed}`)
}
