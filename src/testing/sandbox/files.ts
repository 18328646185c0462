import assert from "node:assert/strict"
import { openNewSandbox, readTextFile, run, type SandboxCase } from "./harness.ts"

export const sandboxFileCases: readonly SandboxCase[] = [
  {
    name: "the working directory lasts from one execution to the next",
    async run(harness) {
      const sandbox = await openNewSandbox(harness)
      await run(harness, sandbox, "import os; os.makedirs('data'); open('data/a.txt', 'w').write('kept')")
      const { stdout } = await run(harness, sandbox, "print(open('data/a.txt').read())")
      assert.equal(stdout, "kept\n")
      assert.equal(await readTextFile(sandbox, "data/a.txt"), "kept")
    },
  },
  {
    name: "files are listed with their size and a version that changes with them",
    async run(harness) {
      const sandbox = await openNewSandbox(harness)
      await run(harness, sandbox, "import os; os.mkdir('d'); open('d/ü.bin', 'wb').write(b'x' * 5)")
      const [before, ...others] = await sandbox.files()
      assert.deepEqual([before?.path, before?.size, others], ["d/ü.bin", 5, []])
      await run(harness, sandbox, "open('d/ü.bin', 'wb').write(b'y' * 5)")
      const [after] = await sandbox.files()
      assert.notEqual(after?.version, before?.version)
    },
  },
  {
    name: "files can be added and replaced, and code can read and change them",
    async run(harness) {
      const sandbox = await openNewSandbox(harness)
      await sandbox.writeFile("in/deep/a.txt", Buffer.from("one"))
      await sandbox.writeFile("in/deep/a.txt", Buffer.from("two"))
      const { stdout, stderr } = await run(
        harness,
        sandbox,
        "f = open('in/deep/a.txt', 'a+'); f.seek(0); print(f.read()); f.write('!')",
      )
      assert.equal(stdout + stderr, "two\n")
      assert.equal(await readTextFile(sandbox, "in/deep/a.txt"), "two!")
    },
  },
  {
    name: "no path leads out of the working directory, and no link is followed",
    async run(harness) {
      const sandbox = await openNewSandbox(harness)
      const code = `
import os
os.symlink("/etc/passwd", "link")
os.symlink("/etc", "folder")
os.symlink("..", "up")
os.mkfifo("pipe")
os.mkdir("empty")
open("real.txt", "w").write("real")
os.symlink("real.txt", "inner")
os.link("real.txt", "hard")`
      assert.equal((await run(harness, sandbox, code)).exitCode, 0)
      const outside = ["link", "folder/passwd", "up/x", "../x", "/etc/passwd", "a/../real.txt", "./real.txt"]
      const odd = [
        "",
        ".",
        "..",
        "/",
        "pipe",
        "empty",
        "empty/",
        "inner",
        "real.txt/",
        "real.txt/x",
        "a\0b",
        "none",
      ]
      for (const path of [...outside, ...odd]) assert.equal(await sandbox.readFile(path), null, path)
      for (const path of ["../x", "/tmp/x", "up/x", "folder/x", "", "a/./b", "real.txt/x"]) {
        await assert.rejects(sandbox.writeFile(path, Buffer.from("x")), { code: "invalid_path" }, path)
      }
      assert.equal(await readTextFile(sandbox, "real.txt"), "real")
      const listed = (await sandbox.files()).map(({ path }) => path).sort()
      assert.deepEqual(listed, ["hard", "real.txt"])
    },
  },
  {
    name: "an added file replaces a link and not its target",
    async run(harness) {
      const sandbox = await openNewSandbox(harness)
      const code = "import os; open('target', 'w').write('safe'); os.symlink('target', 'link')"
      await run(harness, sandbox, code)
      await sandbox.writeFile("link", Buffer.from("new"))
      assert.equal(await readTextFile(sandbox, "target"), "safe")
      assert.equal(await readTextFile(sandbox, "link"), "new")
    },
  },
  {
    name: "files with unusual names do no harm",
    async run(harness) {
      const sandbox = await openNewSandbox(harness)
      const code = `
import os
for name in [b"\\xff\\xfe", b"a\\nb", b"-rf", b" ", "ü".encode(), b"q" * 255]: open(name, "w").close()`
      assert.equal((await run(harness, sandbox, code)).exitCode, 0)
      const listed = (await sandbox.files()).map(({ path }) => path).sort()
      assert.deepEqual(listed, [" ", "-rf", "a\nb", "q".repeat(255), "ü"])
    },
  },
  {
    name: "a session that never ran code has no sandbox, and opening it creates none for another",
    async run(harness) {
      assert.equal(await harness.sandboxes.find("sess_nobody"), null)
      const [one, other] = [await openNewSandbox(harness), await openNewSandbox(harness)]
      await one.writeFile("mine.txt", Buffer.from("mine"))
      assert.deepEqual(await other.files(), [])
    },
  },
]
