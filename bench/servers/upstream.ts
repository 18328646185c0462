import { createServer, type ServerResponse } from "node:http"
import { serveParent } from "../parent.ts"
import { findScript, type Script } from "../script.ts"
import { type Dialect, dialects } from "./dialects.ts"
import { listenOnLoopback } from "./listen-on-loopback.ts"
import { toolMark, toolUse } from "./tool-use.ts"

const sse = "text/event-stream; charset=utf-8"

/**
 * A model provider. It does as little work as possible for each token, so that the measured server never waits for
 * it.
 */
const server = createServer((request, response) => {
  const dialect = dialects.find(({ path }) => path === request.url)
  if (dialect === undefined) {
    response.writeHead(404).end()
    return
  }
  let body = ""
  request.setEncoding("utf8")
  request.on("data", (chunk: string) => {
    body += chunk
  })
  request.on("end", () => {
    if (asksForTool(body)) response.writeHead(200, { "content-type": sse }).end(toolUse())
    else play(dialect, findScript(body), response)
  })
})
const { url, close } = await listenOnLoopback(server)
serveParent(url, { close })

/** Returns true if the last message requests a call of the tool that has no result yet. */
function asksForTool(body: string): boolean {
  const asked = body.lastIndexOf(toolMark)
  return (
    asked !== -1 &&
    asked > body.lastIndexOf('"tool_result"') &&
    asked > body.lastIndexOf('"role":"assistant"')
  )
}

/** Plays the script. The first token is sent at once, together with the headers. */
function play(
  { opening, tokens, ending }: Dialect,
  { tokens: count, perWrite, pauseMs, hold }: Script,
  response: ServerResponse,
): void {
  response.writeHead(200, { "content-type": sse, "cache-control": "no-cache" })
  response.write(opening + tokens.slice(0, Math.min(perWrite, count)).join(""))
  let sent = perWrite
  const next = () => {
    if (response.destroyed) return
    if (sent >= count) {
      if (!hold) response.end(ending)
      return
    }
    const taken = response.write(tokens.slice(sent, Math.min(sent + perWrite, count)).join(""))
    sent += perWrite
    if (taken) later()
    else response.once("drain", later)
  }
  const later = () => {
    if (pauseMs > 0) setTimeout(next, pauseMs)
    else setImmediate(next)
  }
  later()
}
