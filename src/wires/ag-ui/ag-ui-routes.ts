import type { WireRoutes } from "../../http/wire-routes.ts"
import { addCancelRoute } from "./routes/cancel.ts"
import { addJoinRoute } from "./routes/join.ts"
import { addRunRoute } from "./routes/run.ts"

const path = "/ag-ui"

/** AG-UI 1.0 (https://docs.ag-ui.com), which CopilotKit and other front ends speak. */
export const agUiRoutes: WireRoutes = {
  path,
  client: { name: "AG-UI", path },
  // A problem has the form of the event that ends a failed run.
  formatProblem: ({ message, code }) => ({ body: { type: "RUN_ERROR", message, code } }),
  tags: [],
  add(app, parts) {
    for (const prefix of [path, `/agents/:agent${path}`]) {
      addRunRoute(app, prefix, parts)
      addJoinRoute(app, prefix, parts)
      addCancelRoute(app, prefix, parts)
    }
  },
}
