import assert from "node:assert/strict"
import { join } from "node:path"
import { openNewSandbox, run, type SandboxCase } from "../../../src/testing/sandbox/harness.ts"
import { openTestSandboxes } from "./open.ts"

/** Returns cases for machines that do not permit control groups. */
export function ownCases(directory: string): readonly SandboxCase[] {
  return [
    {
      name: "its ineffective limits are named, and it does not satisfy requireSandbox",
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
    {
      name: "it offers every language, although Node does not start with the memory of shell code",
      async run({ sandboxes }) {
        const [host] = sandboxes.hosts
        assert.deepEqual(host?.languages, ["python", "javascript", "shell"])
      },
    },
    {
      name: "JavaScript that ends like Node without memory and without a message counts as out of memory",
      async run(harness) {
        const code = "process.kill(process.pid, 'SIGSEGV'); setInterval(() => {}, 1000)"
        const sandbox = await openNewSandbox(harness)
        const { exitCode, reason } = await run(harness, sandbox, code, { language: "javascript" })
        assert.deepEqual({ exitCode, reason }, { exitCode: 139, reason: "outOfMemory" })
      },
    },
    {
      name: "code cannot raise its limit of memory to what only Node needs",
      async run(harness) {
        const sandbox = await openNewSandbox(harness)
        for (const [language, code] of [
          ["python", "import resource; print(*resource.getrlimit(resource.RLIMIT_DATA))"],
          ["shell", "echo $(ulimit -S -d) $(ulimit -H -d)"],
        ] as const) {
          const { stdout } = await run(harness, sandbox, code, { language })
          const [soft, hard] = stdout.trim().split(" ")
          assert.ok(Number(soft) > 0, stdout)
          assert.equal(hard, soft, language)
        }
      },
    },
  ]
}
