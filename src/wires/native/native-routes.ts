import type { WireRoutes } from "../../http/wire-routes.ts"
import { addAnswerRoutes } from "./routes/answers.ts"
import { addCancelRoute } from "./routes/cancel.ts"
import { addChatRoute } from "./routes/chat.ts"
import { addFilesRoute } from "./routes/files.ts"
import { addGrantRoutes } from "./routes/grants.ts"
import { addHistoryRoute } from "./routes/history.ts"
import { addInitRoute } from "./routes/init.ts"
import { addRevokeRoute } from "./routes/revoke.ts"
import { addSessionsRoutes } from "./routes/sessions.ts"
import { addSubscribeRoute } from "./routes/subscribe.ts"
import { addTasksRoutes } from "./routes/tasks.ts"
import { addWaitsRoute } from "./routes/waits.ts"
import { chatEventSchema } from "./schemas/events.ts"

/** The routes of the gateway's own protocol, as docs/http-api.md specifies them. */
export const nativeRoutes: WireRoutes = {
  tags: [
    { name: "sessions", description: "Sessions and their users." },
    { name: "chat", description: "Runs and their events." },
    { name: "approvals", description: "Open requests to a person or a client." },
    { name: "tasks", description: "Background tasks of the session. Only with the option `subAgents`." },
  ],
  add(app, parts) {
    const { reading, changing, newWork, credentials, body, optionalBody, chatBody } = parts.middleware
    addInitRoute(app, { ...parts, middleware: credentials })
    addRevokeRoute(app, { ...parts, middleware: parts.middleware.revoking })
    addChatRoute(app, { ...parts, middleware: [newWork, ...changing, chatBody] })
    addSubscribeRoute(app, { ...parts, middleware: reading })
    addCancelRoute(app, { ...parts, middleware: [...changing, optionalBody] })
    addHistoryRoute(app, { ...parts, middleware: reading })
    addAnswerRoutes(app, { ...parts, middleware: [...changing, body] })
    addGrantRoutes(app, { ...parts, reading, changing })
    addFilesRoute(app, { ...parts, middleware: reading })
    addWaitsRoute(app, { ...parts, middleware: reading })
    addTasksRoutes(app, { ...parts, reading, changing, sending: [newWork, ...changing, body] })
    addSessionsRoutes(app, { ...parts, middleware: parts.middleware.byUser })
    // Frames only refer to it, because it is the text in their `data`.
    app.openAPIRegistry.register("ChatEvent", chatEventSchema)
  },
}
