import assert from "node:assert/strict"
import { openNewSandbox, readTextFile, run, type SandboxCase } from "./harness.ts"
import { assertStill, heartbeat } from "./heartbeat.ts"

export const sandboxLimitCases: readonly SandboxCase[] = [
  {
    name: "code that takes too long is ended with all its processes, and the result says so",
    async run(harness) {
      let said = ""
      // On a busy machine the shorter ones may end before the code has started.
      for (const timeoutMs of [1_500, 6_000, 24_000]) {
        const sandbox = await openNewSandbox(harness)
        const outcome = await run(harness, sandbox, heartbeat, { timeoutMs })
        assert.equal(outcome.reason, "timeout")
        assert.equal(outcome.exitCode, 137)
        await assertStill(sandbox)
        said = outcome.stdout
        if (said === "running\n") break
      }
      assert.equal(said, "running\n")
    },
  },
  {
    name: "code that ends also ends the processes that it started",
    async run(harness) {
      const sandbox = await openNewSandbox(harness)
      const outcome = await run(
        harness,
        sandbox,
        `(while :; do date +%s%N >beat; sleep 0.02; done) >/dev/null 2>&1 & sleep 0.2; echo started`,
        { language: "shell" },
      )
      assert.deepEqual([outcome.exitCode, outcome.stdout], [0, "started\n"])
      await assertStill(sandbox)
    },
  },
  {
    name: "too much memory is distinguished from a failure, and affects no other execution",
    async run(harness) {
      const sandbox = await openNewSandbox(harness)
      const outcome = await run(harness, sandbox, "x = bytearray(200 * 1024 * 1024); print(len(x))")
      assert.equal(outcome.reason, "outOfMemory", JSON.stringify(outcome))
      assert.notEqual(outcome.exitCode, 0)
      assert.equal((await run(harness, sandbox, "print('again')")).stdout, "again\n")
    },
  },
  {
    name: "JavaScript that uses too much memory is distinguished from a failure",
    async run(harness) {
      const sandbox = await openNewSandbox(harness)
      for (const code of [
        "Buffer.alloc(2 ** 30, 1)",
        "const all = []; while (true) all.push({ all: [...all] })",
      ]) {
        const outcome = await run(harness, sandbox, code, { language: "javascript" })
        assert.equal(outcome.reason, "outOfMemory", JSON.stringify(outcome))
        assert.notEqual(outcome.exitCode, 0)
      }
    },
  },
  {
    name: "a full disk is distinguished from a failure, and leaves room for the next execution",
    async run(harness) {
      const sandbox = await openNewSandbox(harness)
      await sandbox.writeFile("before.txt", Buffer.from("kept"))
      const code = `
for i in range(1000):
    with open(f"fill-{i}", "wb") as f:
        for _ in range(8): f.write(b"x" * 1_000_000)`
      const outcome = await run(harness, sandbox, code)
      assert.equal(outcome.reason, "diskFull", JSON.stringify(outcome))
      const next = await run(
        harness,
        sandbox,
        "open('more', 'wb').write(b'y' * 100_000); print(open('before.txt').read())",
      )
      assert.deepEqual([next.stdout, next.reason], ["kept\n", "exited"])
    },
  },
  {
    name: "the files that filled the disk are deleted first, and the result says so",
    async run(harness) {
      const sandbox = await openNewSandbox(harness)
      await sandbox.writeFile("log.csv", Buffer.from("first line\n"))
      const code = `
open("log.csv", "a").write("second line\\n")
for i in range(50): open(f"result-{i}", "w").write("x" * 1000)
open("sparse", "wb").truncate(1 << 20)
for i in range(1000):
    with open(f"junk-{i}", "wb") as f: f.write(b"x" * 10_000_000)`
      const outcome = await run(harness, sandbox, code)
      assert.equal(outcome.reason, "diskFull", JSON.stringify(outcome))
      const { count = 0, paths = [] } = outcome.removed ?? {}
      assert.ok(count > 0 && paths.every((path) => path.startsWith("junk-")), paths.join())
      assert.equal(await readTextFile(sandbox, "log.csv"), "first line\nsecond line\n")
      const results = (await sandbox.files()).filter(({ path }) => path.startsWith("result-"))
      assert.equal(results.length, 50)
    },
  },
  {
    name: "a single file that is too large counts as a full disk too",
    async run(harness) {
      const sandbox = await openNewSandbox(harness)
      const code = "f = open('big', 'wb')\nwhile True: f.write(b'x' * 1_000_000)"
      assert.equal((await run(harness, sandbox, code)).reason, "diskFull")
    },
  },
]
