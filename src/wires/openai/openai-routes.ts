import type { WireRoutes } from "../../http/wire-routes.ts"
import { addChatRoutes } from "./chat/routes.ts"
import { createNotFound, formatProblem } from "./errors.ts"
import { listModels, readModel } from "./models.ts"
import { addResponsesRoutes } from "./responses/routes.ts"

/** The routes of OpenAI's protocols, as docs/openai.md describes them. They are not part of the OpenAPI document. */
export const openAiRoutes: WireRoutes = {
  path: "/v1",
  hasRootAlias: true,
  client: { name: "OpenAI", path: "/v1" },
  formatProblem,
  tags: [],
  add(app, parts) {
    app.use("/v1/*", ...parts.middleware.byCaller)
    app.get("/v1/models", (c) => c.json({ object: "list", data: listModels({ c, parts }) }))
    app.get("/v1/models/:name{.+}", (c) => {
      const exchange = { c, parts }
      const { agent } = readModel(exchange, c.req.param("name"))
      const found = listModels(exchange).find(({ id }) => id === agent)
      if (found === undefined) throw createNotFound("There is no such model.")
      return c.json(found)
    })
    addResponsesRoutes(app, parts)
    addChatRoutes(app, parts)
  },
}
