import { spawn } from "node:child_process"
import { once } from "node:events"
import { readFile } from "node:fs/promises"
import { createServer, request } from "node:http"
import { extname, join, normalize } from "node:path"
import { replyTo } from "./model.mjs"

/**
 * Starts a gateway as a process that can be killed, with a scripted model provider, behind a proxy that cuts streams.
 * The proxy also serves the files of `folders`, so that a page can load the client from the origin of its gateway.
 */
export async function startHarness({ node, program, agent, cwd, testing, folders }) {
  const model = await testing.startScriptedUpstream((request) => replyTo(request, testing.anthropicEvents))
  let gateway = await startGateway()
  let cutBytes = 0
  let restarting = Promise.resolve()

  async function startGateway() {
    const child = spawn(node, [program, "start", agent, "--port", "0"], {
      cwd,
      env: {
        ...process.env,
        ANTHROPIC_API_KEY: "sk-test-key",
        ANTHROPIC_BASE_URL: model.url,
        ANTHROPIC_AUTH_TOKEN: "",
      },
      stdio: ["ignore", "pipe", "pipe"],
    })
    let printed = ""
    let errors = ""
    child.stderr.setEncoding("utf8").on("data", (text) => {
      errors = (errors + text).slice(-4_000)
    })
    child.on("exit", (code, signal) => {
      if (signal !== "SIGKILL") console.error(`The gateway ended by itself (${code ?? signal}): ${errors}`)
    })
    for await (const text of child.stdout.setEncoding("utf8").iterator({ destroyOnReturn: false })) {
      printed += text
      const found = /Listening on http:\S+:(\d+)/.exec(printed)
      if (found === null) continue
      child.stdout.resume()
      return { child, port: found[1] }
    }
    throw new Error(`The gateway ended before it listened: ${printed}${errors}`)
  }

  async function killed() {
    const { child } = gateway
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill("SIGKILL")
    await once(child, "exit")
  }

  const server = createServer((incoming, outgoing) => {
    const { pathname, searchParams } = new URL(incoming.url, "http://localhost")
    if (pathname.startsWith("/api/")) return forward(incoming, outgoing)
    answer(pathname, searchParams).then(
      ([type, body]) => outgoing.writeHead(200, { "content-type": type }).end(body),
      (error) => outgoing.writeHead(404).end(String(error)),
    )
  })

  function forward(incoming, outgoing) {
    const { method, url } = incoming
    const { origin, host, ...rest } = incoming.headers
    const upstream = request({ host: "127.0.0.1", port: gateway.port, method, path: url, headers: rest })
    incoming.pipe(upstream)
    outgoing.on("close", () => upstream.destroy())
    upstream.on("error", () => outgoing.destroy())
    upstream.on("response", (response) => {
      outgoing.writeHead(response.statusCode, response.headers)
      outgoing.flushHeaders()
      const isStream = response.headers["content-type"] === "text/event-stream"
      let left = isStream && cutBytes > 0 ? cutBytes : Number.POSITIVE_INFINITY
      response.on("error", () => outgoing.destroy())
      response.on("close", () => outgoing.destroy())
      response.on("end", () => outgoing.end())
      response.on("data", (chunk) => {
        if (left <= 0) return
        left -= chunk.length
        if (left > 0) outgoing.write(chunk)
        else outgoing.write(chunk.subarray(0, chunk.length + left), () => outgoing.destroy())
      })
    })
  }

  async function answer(pathname, searchParams) {
    switch (pathname) {
      case "/control/cut":
        cutBytes = Number(searchParams.get("bytes"))
        return ["text/plain", "ok"]
      case "/control/kill":
        restarting = restarting.then(killed).then(async () => {
          // Another process may have taken the former port by now. The proxy hides the change from the client.
          gateway = await startGateway()
        })
        await restarting
        return ["text/plain", "ok"]
      case "/":
        return ["text/html", "<!doctype html><title>Client</title>"]
      default: {
        const [, name, ...path] = pathname.split("/")
        const file = normalize(join(folders[name], ...path))
        if (![".js", ".mjs"].includes(extname(file))) throw new Error("There is no such file.")
        return ["text/javascript", await readFile(file)]
      }
    }
  }

  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    async close() {
      await restarting
      await killed()
      server.closeAllConnections()
      server.close()
      await model.close()
    },
  }
}
