import type { SessionTasks } from "../ports/tools/tool.ts"

/** For calls outside a session, which has no background tasks. */
export const noTasks: SessionTasks = {
  list: () => [],
  collect() {},
  send() {},
  cancel() {},
}
