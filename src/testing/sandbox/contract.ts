import assert from "node:assert/strict"
import { setTimeout as delay } from "node:timers/promises"
import { sandboxFigureCases } from "./figures.ts"
import { sandboxFileCases } from "./files.ts"
import { sandboxFolderCases } from "./folders.ts"
import { exec, newSession, openNewSandbox, run, type SandboxCase, until } from "./harness.ts"
import { assertStill, heartbeat } from "./heartbeat.ts"
import { sandboxLimitCases } from "./limits.ts"

/** Behavior of every backend of code execution, sandbox or not. */
export const sandboxContract: readonly SandboxCase[] = [
  {
    name: "Python, JavaScript and shell return their output and exit code",
    async run(harness) {
      const sandbox = await openNewSandbox(harness)
      const programs = {
        python: "import sys; print(6 * 7); print('oops', file=sys.stderr); sys.exit(3)",
        javascript: "console.log(6 * 7); console.error('oops'); process.exit(3)",
        shell: "echo $((6 * 7)); echo oops >&2; exit 3",
      } as const
      for (const language of ["python", "javascript", "shell"] as const) {
        const outcome = await run(harness, sandbox, programs[language], { language })
        const { stdout, stderr, exitCode, reason } = outcome
        assert.deepEqual(
          { stdout, stderr, exitCode, reason },
          { stdout: "42\n", stderr: "oops\n", exitCode: 3, reason: "exited" },
        )
      }
    },
  },
  {
    name: "code is run unchanged, with any characters",
    async run(harness) {
      const sandbox = await openNewSandbox(harness)
      const text = "'\"`$HOME\\n – 漢字 🙂 \\\\ %s\t!"
      const outcome = await run(harness, sandbox, `print(${JSON.stringify(text)})\n\n`)
      assert.equal(outcome.stdout, `${text}\n`)
      const shell = await run(harness, sandbox, "cat <<'END'\n-n $x\nEND\n", { language: "shell" })
      assert.equal(shell.stdout, "-n $x\n")
    },
  },
  {
    name: "an execution has its own variables, which the next one does not have",
    async run(harness) {
      const sandbox = await openNewSandbox(harness)
      const value = "'\"`$HOME\\n\n– 漢字 %s\t!\n"
      const code = "import os; print(ascii(os.environ.get('TOKEN')), os.environ.get('EMPTY'))"
      const first = await run(harness, sandbox, code, { env: { TOKEN: value, EMPTY: "" } })
      const next = await run(harness, sandbox, `import json, os; print(json.dumps(os.environ.get('TOKEN')))`)
      const own = "import json, os; print(json.dumps(os.environ['TOKEN']))"
      const again = await run(harness, sandbox, own, { env: { TOKEN: value } })
      assert.equal(first.stdout.endsWith(" \n"), true)
      assert.equal(next.stdout, "null\n")
      assert.equal(JSON.parse(again.stdout), value)
    },
  },
  {
    name: "output arrives while the code runs, and the code sees files that are added meanwhile",
    async run(harness) {
      const sandbox = await openNewSandbox(harness)
      const code = `
import os, time
print("waiting")
while not os.path.exists("go/on.txt"): time.sleep(0.01)
print(open("go/on.txt").read())`
      const texts: string[] = []
      for await (const event of exec(harness, sandbox, code)) {
        if (event.type === "exit") assert.equal(event.exitCode, 0)
        else texts.push(new TextDecoder().decode(event.bytes))
        if (texts.join("") === "waiting\n") await sandbox.writeFile("go/on.txt", Buffer.from("seen"))
      }
      assert.equal(texts.join(""), "waiting\nseen\n")
    },
  },
  {
    name: "an execution that a signal ends has 128 plus its number as exit code",
    async run(harness) {
      const outcome = await run(harness, await openNewSandbox(harness), "kill -KILL $$", {
        language: "shell",
      })
      assert.deepEqual([outcome.exitCode, outcome.reason], [137, "exited"])
    },
  },
  {
    name: "output can be written through /dev/stdout and /dev/stderr",
    async run(harness) {
      const sandbox = await openNewSandbox(harness)
      const code =
        "echo one >/dev/stdout; echo two >>/dev/stderr; echo three | tee -a /dev/stderr; cat </dev/stdin"
      const outcome = await run(harness, sandbox, code, { language: "shell" })
      const { stdout, stderr, exitCode } = outcome
      assert.deepEqual(
        { stdout, stderr, exitCode },
        { stdout: "one\nthree\n", stderr: "two\nthree\n", exitCode: 0 },
      )
      const python = await run(harness, sandbox, "open('/proc/self/fd/1', 'w').write('four')")
      assert.equal(python.stdout, "four")
    },
  },
  {
    name: "the environment contains nothing of the gateway's",
    async run(harness) {
      const sandbox = await openNewSandbox(harness)
      const { stdout } = await run(harness, sandbox, "import os, json; print(json.dumps(sorted(os.environ)))")
      const allowed =
        /^(AGENT_GATEWAY_EXECUTION|HOME|HOSTNAME|LANG|LC_CTYPE|MPL\w+|\w+_NUM_THREADS|OLDPWD|PATH|PWD|PYTHON\w+|SHLVL|TMPDIR|OFFERED|_)$/
      const names = JSON.parse(stdout) as string[]
      assert.deepEqual(
        names.filter((name) => !allowed.test(name)),
        [],
      )
      assert.ok(names.includes("OFFERED"), "what the configuration adds is there")
    },
  },
  {
    name: "an abort rejects with its reason without waiting for the code, and leaves no process",
    async run(harness) {
      const sandbox = await openNewSandbox(harness)
      const stop = new AbortController()
      const reason = new Error("enough")
      let abortedAt = 0
      await assert.rejects(async () => {
        for await (const event of exec(harness, sandbox, heartbeat, { signal: stop.signal })) {
          if (event.type !== "output") continue
          abortedAt ||= performance.now()
          stop.abort(reason)
        }
      }, reason)
      // Without the abort the code would continue for a minute.
      assert.ok(performance.now() - abortedAt < 30_000, "it does not wait for the code")
      await assertStill(sandbox)
    },
  },
  {
    name: "a slow reader makes the code wait, and a reader that leaves ends it",
    async run(harness) {
      const sandbox = await openNewSandbox(harness)
      const code = `
import sys
for i in range(1000):
    sys.stdout.write("x" * 100_000)
    sys.stdout.flush()
    open("beat", "w").write(str(i))`
      for await (const event of exec(harness, sandbox, code)) {
        assert.equal(event.type, "output")
        // This is enough time for all hundred megabytes, if nothing delayed them.
        await delay(1_000)
        break
      }
      await assertStill(sandbox)
      const { stdout } = await run(harness, sandbox, `print(open("beat").read())`)
      assert.ok(Number(stdout) < 500, `it wrote ${stdout} of 1000 pieces`)
    },
  },
  {
    name: "operators see which executions run or wait, and the disk that a session uses",
    async run(harness) {
      const { sandboxes, host } = harness
      const [session, sandbox] = await newSession(harness)
      const find = () => sandboxes.sessions().filter((each) => each.session.id === session.id)
      // One session has at most a quarter of the 16 slots.
      const code = "dd if=/dev/zero of=$$.bin bs=65536 count=4; until [ -e go ]; do sleep 0.05; done"
      const runs = Array.from({ length: 5 }, () => run(harness, sandbox, code, { language: "shell" }))
      await until(() => find().some(({ running, waiting }) => running === 4 && waiting === 1))
      const busy = await sandboxes.state()
      assert.ok(busy.executions.running >= 4 && busy.executions.waiting >= 1)
      assert.deepEqual(
        [busy.executions.maxRunning, busy.executions.maxWaiting, busy.problem],
        [16, 256, null],
      )
      await sandbox.writeFile("go", Buffer.from(""))
      await Promise.all(runs)
      const [after, ...others] = find()
      assert.deepEqual(others, [])
      assert.deepEqual([after?.session, after?.running, after?.waiting], [session, 0, 0])
      assert.ok((after?.usage?.bytes ?? 0) >= 4 * 65_536, "it counts the written files")
      const { backends, limits, disk } = await sandboxes.state()
      assert.equal(backends.find(({ state }) => state === "inUse")?.name, host)
      assert.equal(limits.find(({ name }) => name === "memory")?.value, 64 * 1024 * 1024)
      assert.ok(disk.directories >= 1 && disk.freeBytes > 0)
    },
  },
  ...sandboxFigureCases,
  ...sandboxFileCases,
  ...sandboxFolderCases,
  ...sandboxLimitCases,
]
