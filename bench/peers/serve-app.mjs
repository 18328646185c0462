import { once } from "node:events"
import { createAdaptorServer } from "@hono/node-server"
import { serveParent } from "../parent.ts"

/** Serves a Hono app on the loopback interface. `path` is the path that accepts messages. */
export async function serveApp(app, path) {
  const server = createAdaptorServer({ fetch: app.fetch })
  server.listen({ port: 0, host: "127.0.0.1", backlog: 4_096 })
  await once(server, "listening")
  serveParent(`http://127.0.0.1:${server.address().port}${path}`, {
    async close() {
      const closed = once(server, "close")
      server.close()
      server.closeAllConnections()
      await closed
    },
  })
}
