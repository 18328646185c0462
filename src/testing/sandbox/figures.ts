import assert from "node:assert/strict"
import type { Sandbox } from "../../core/ports/tools/sandbox.ts"
import { openNewSandbox, readTextFile, run, type SandboxCase } from "./harness.ts"

/** A matplotlib with two open figures, which needs no installation. */
const pyplot = `
numbers = [1, 2]
class Figure:
    def __init__(self, number): self.number = number
    def savefig(self, file, format, **options): file.write(f"{format} of figure {self.number}".encode())
def figure(number): return Figure(number)
def get_fignums(): return list(numbers)
def close(which): numbers.clear()
def show(): raise RuntimeError("there is no display")
`

async function openWithMatplotlib(harness: Parameters<SandboxCase["run"]>[0]): Promise<Sandbox> {
  const sandbox = await openNewSandbox(harness)
  await sandbox.writeFile("matplotlib/__init__.py", Buffer.from(""))
  await sandbox.writeFile("matplotlib/pyplot.py", Buffer.from(pyplot))
  return sandbox
}

async function readPlots(sandbox: Sandbox): Promise<readonly (string | null)[]> {
  const names = (await sandbox.files()).map(({ path }) => path).filter((path) => path.endsWith(".png"))
  return Promise.all(names.toSorted().map((path) => readTextFile(sandbox, path)))
}

/** Attempts to change the code with which every Python program starts. */
const tampering = `
import os, sitecustomize
path = sitecustomize.__file__
for attempt in (
    lambda: os.chmod(path, 0o777),
    lambda: open(path, "w").write("print('changed')"),
    lambda: os.rename(path, path + ".old"),
    lambda: open(os.path.join(os.path.dirname(path), "usercustomize.py"), "w").write("print('added')"),
):
    try: attempt()
    except OSError: pass
`

export const sandboxFigureCases: readonly SandboxCase[] = [
  {
    name: "the figures that matplotlib shows become files, and no file is replaced",
    async run(harness) {
      const sandbox = await openWithMatplotlib(harness)
      const code = "import matplotlib.pyplot as plt; plt.show(); plt.show(); print(plt.get_fignums())"
      const { stdout, stderr } = await run(harness, sandbox, code)
      assert.deepEqual([stdout, stderr], ["[]\n", ""])
      await sandbox.writeFile("plot.py", Buffer.from("from matplotlib.pyplot import show\nshow()"))
      const shell = await run(harness, sandbox, "PYTHONPATH=$PYTHONPATH:$PWD python3 plot.py", {
        language: "shell",
      })
      assert.equal(shell.stderr, "")
      const [one, two] = ["png of figure 1", "png of figure 2"]
      assert.deepEqual(await readPlots(sandbox), [one, two, one, two])
    },
  },
  {
    name: "modules in the folders of PYTHONPATH, and a sitecustomize there, work as usual",
    async run(harness) {
      const sandbox = await openWithMatplotlib(harness)
      await sandbox.writeFile("lib/sitecustomize.py", Buffer.from("import sys; sys.customized = True"))
      await sandbox.writeFile("lib/own.py", Buffer.from("name = 'own'"))
      const code = `
import os, own, subprocess, sys
print(own.name, sys.customized)
command = [sys.executable, "-c", "import own, sys; print(own.name, sys.customized)"]
print(subprocess.run(command, capture_output=True, text=True).stdout)
import matplotlib.pyplot as plt
plt.show()`
      const { stdout, stderr } = await run(harness, sandbox, code, { env: { PYTHONPATH: "lib" } })
      assert.deepEqual([stdout, stderr], ["own True\nown True\n\n", ""])
      assert.equal((await readPlots(sandbox)).length, 2)
    },
  },
  {
    name: "code cannot change the module with which the Python of others starts",
    async run(harness) {
      const host = harness.sandboxes.hosts.find(({ name }) => name === harness.host)
      // Without a sandbox and without root, code has the rights of the gateway.
      if (host?.sandboxed === false && process.getuid?.() !== 0) return
      await run(harness, await openNewSandbox(harness), tampering)
      const { stdout, stderr } = await run(harness, await openNewSandbox(harness), "print('as before')")
      assert.deepEqual([stdout, stderr], ["as before\n", ""])
    },
  },
]
