import assert from "node:assert/strict"
import { join } from "node:path"
import type { SandboxCase } from "../../../src/testing/sandbox-harness.ts"
import { openTestSandboxes } from "./open.ts"

/** Cases for machines on which control groups are not permitted. */
export function ownCases(directory: string): readonly SandboxCase[] {
  return [
    {
      name: "its limits are named that do not hold, and it does not satisfy requireSandbox",
      async run({ sandboxes }) {
        const [finding] = (sandboxes as Awaited<ReturnType<typeof openTestSandboxes>>["sandboxes"]).findings
        const limits = finding?.unheld.map(({ limit }) => limit)
        assert.deepEqual(limits, ["memory", "processor time"])
        const required = { directory: join(directory, "required"), requireSandbox: true }
        await assert.rejects(
          openTestSandboxes("bubblewrap", required),
          /bubblewrap: works, but does not limit memory, processor time: control groups are not permitted/,
        )
      },
    },
  ]
}
