import assert from "node:assert/strict"
import type { ReadOnlyFolder } from "../../core/ports/tools/sandbox.ts"
import { openNewSandbox, run, type SandboxCase, type SandboxHarness } from "./harness.ts"

const folder: ReadOnlyFolder = {
  name: "skill",
  variable: "SKILL_DIR",
  files: [
    { path: "scripts/hello.sh", content: Buffer.from("#!/bin/sh\necho hello $1\n") },
    { path: "references/ü.txt", content: Buffer.from("text") },
  ],
}

/** Prints the names of the changes that succeeded. */
const changes = `
import os
root = os.environ["SKILL_DIR"]
script = root + "/scripts/hello.sh"
def attempt(name, change):
    try:
        change()
        print(name)
    except OSError:
        pass
attempt("write", lambda: open(script, "w"))
attempt("append", lambda: open(script, "a"))
attempt("delete", lambda: os.remove(script))
attempt("rename", lambda: os.rename(script, root + "/scripts/other.sh"))
attempt("add", lambda: open(root + "/scripts/new.sh", "w"))
attempt("folder", lambda: os.mkdir(root + "/new"))
attempt("move", lambda: os.rename(root, root + "-moved"))`

/** A plain subprocess of a gateway that does not run as root has the owner of the files as its user. */
const changesOfModes = `${changes}
attempt("mode", lambda: os.chmod(script, 0o777))
attempt("time", lambda: os.utime(script, (0, 0)))`

/** Does everything that the owner of the files could do, and keeps silent about what is refused. */
const tampering = `
chmod -R u+w "$SKILL_DIR" "$SKILL_DIR/.."
echo "echo forged" >"$SKILL_DIR/scripts/hello.sh"
echo "echo forged" >"$SKILL_DIR/scripts/added.sh"
mv "$SKILL_DIR" "$SKILL_DIR-moved"
exit 0`

async function assertUnchanged(harness: SandboxHarness): Promise<void> {
  const code = 'for script in "$SKILL_DIR"/scripts/*; do "$script" again; done; ls "$SKILL_DIR"'
  const options = { language: "shell", folders: [folder] } as const
  const { stdout } = await run(harness, await openNewSandbox(harness), code, options)
  assert.equal(stdout, "hello again\nreferences\nscripts\n")
}

export const sandboxFolderCases: readonly SandboxCase[] = [
  {
    name: "code reads and runs the files of a given folder, and finds it by its variable",
    async run(harness) {
      const sandbox = await openNewSandbox(harness)
      const code = `"$SKILL_DIR/scripts/hello.sh" you; cat "$SKILL_DIR/references/ü.txt"`
      const { stdout, stderr } = await run(harness, sandbox, code, { language: "shell", folders: [folder] })
      assert.equal(stdout + stderr, "hello you\ntext")
      assert.deepEqual(await sandbox.files(), [])
    },
  },
  {
    name: "code cannot change a given folder",
    async run(harness) {
      const sandbox = await openNewSandbox(harness)
      const host = harness.sandboxes.hosts.find(({ name }) => name === harness.host)
      const code = host?.sandboxed === true ? changesOfModes : changes
      const { stdout, stderr } = await run(harness, sandbox, code, { folders: [folder] })
      assert.equal(stdout + stderr, "")
      await assertUnchanged(harness)
    },
  },
  {
    name: "a change that code makes to a given folder reaches no other execution",
    async run(harness) {
      const sandbox = await openNewSandbox(harness)
      const tampered = await run(harness, sandbox, tampering, { language: "shell", folders: [folder] })
      assert.equal(tampered.exitCode, 0)
      await assertUnchanged(harness)
    },
  },
  {
    name: "a folder exists only for the execution that receives it",
    async run(harness) {
      const sandbox = await openNewSandbox(harness)
      const other = { ...folder, name: "other", variable: "OTHER_DIR", files: [] }
      const code = "import os; print(sorted(name for name in os.environ if name.endswith('_DIR')))"
      assert.equal(
        (await run(harness, sandbox, code, { folders: [folder, other] })).stdout,
        "['OTHER_DIR', 'SKILL_DIR']\n",
      )
      assert.equal((await run(harness, sandbox, code)).stdout, "[]\n")
    },
  },
  {
    name: "a folder with a path or a name that leads elsewhere is refused",
    async run(harness) {
      const sandbox = await openNewSandbox(harness)
      for (const path of ["../x", "/etc/x", "", "a//b", "a/../../x", "a\0b"]) {
        const folders = [{ ...folder, files: [{ path, content: Buffer.from("x") }] }]
        await assert.rejects(run(harness, sandbox, "print(1)", { folders }), { code: "invalid_path" }, path)
      }
      for (const change of [{ name: "../x" }, { variable: "PATH=x" }]) {
        const folders = [{ ...folder, ...change }]
        await assert.rejects(run(harness, sandbox, "print(1)", { folders }), { code: "invalid_folder" })
      }
    },
  },
]
