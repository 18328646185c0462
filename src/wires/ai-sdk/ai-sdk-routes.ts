import type { OpenAPIHono } from "@hono/zod-openapi"
import type { HttpEnv } from "../../http/http-env.ts"
import type { WireParts, WireRoutes } from "../../http/wire-routes.ts"
import { addChatRoute } from "./routes/chat.ts"
import { addResumeRoute } from "./routes/resume.ts"
import { addStopRoute } from "./routes/stop.ts"

const path = "/ai-sdk"

/** The protocol of AI SDK UI, which `useChat` speaks. */
export const aiSdkRoutes: WireRoutes = {
  path,
  client: { name: "AI SDK UI", path: `${path}/chat` },
  // `useChat` shows the body of a refusal to the user.
  formatProblem: ({ message }) => ({ body: message }),
  tags: [],
  add(app: OpenAPIHono<HttpEnv>, parts: WireParts): void {
    for (const prefix of [path, `/agents/:agent${path}`]) {
      addChatRoute(app, prefix, parts)
      addResumeRoute(app, prefix, parts)
      addStopRoute(app, prefix, parts)
    }
  },
}
