import { relative } from "node:path"
import { BaseSequencer, type TestSpecification } from "vitest/node"

/** The files that take longest, nearly in the order of their durations: 20 to 400 seconds beside the others. */
export const longestFiles: readonly string[] = [
  "test/crash/crash.test.ts",
  "src/adapters/stores/postgres/open.test.ts",
  "test/sandbox/docker.test.ts",
  "test/end-to-end/run-command.test.ts",
  "test/crash/children.test.ts",
  "test/end-to-end/run-full-disk.test.ts",
  "test/end-to-end/claude-agent.test.ts",
  "test/end-to-end/runners.test.ts",
  "test/end-to-end/examples.test.ts",
  "test/sandbox/bubblewrap.test.ts",
  "test/crash/tasks.test.ts",
  "test/sandbox/bubblewrap-ordinary-user.test.ts",
  "test/end-to-end/openapi-document.test.ts",
  // Needs both CPUs for minutes. Beside the files above, it would make them exceed their time limits.
  "test/hostile-load/worst-requests.test.ts",
  "test/documentation/site.test.ts",
  "test/crash/waits.test.ts",
  "test/crash/tools.test.ts",
  "test/end-to-end/crash.test.ts",
  "test/mcp/elicitation.test.ts",
  "test/delivery/delivery.test.ts",
  "test/end-to-end/endless-conversation.test.ts",
  "test/documentation.test.ts",
  "test/end-to-end/killed-job.test.ts",
  "test/schedules/schedules.test.ts",
  "test/takeover/takeover.test.ts",
  "test/soak/soak.test.ts",
  "test/client/environments.test.ts",
  "test/end-to-end/slow-clients.test.ts",
  "test/hostile-load/hostile-load.test.ts",
]

/**
 * Starts the longest files first, because a long file that starts last runs alone. In a fresh clone, Vitest has no
 * durations and orders by the size of the files.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rankOf = ({ moduleId, project }: TestSpecification) => {
      const rank = longestFiles.indexOf(relative(project.config.root, moduleId))
      return rank === -1 ? longestFiles.length : rank
    }
    return (await super.sort(files)).toSorted((left, right) => rankOf(left) - rankOf(right))
  }
}
