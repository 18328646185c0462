import { execFile } from "node:child_process"
import { mkdtemp, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Readable } from "node:stream"
import { text } from "node:stream/consumers"
import { promisify } from "node:util"
import { expect, onTestFinished, test } from "vitest"
import { openFile } from "./files.ts"
import { removeTree } from "./remove-tree.ts"

test("a file that its writer keeps locked is treated as missing", async () => {
  const root = await mkdtemp(join(tmpdir(), "agent-gateway-files-"))
  onTestFinished(() => removeTree(root))
  await writeFile(join(root, "leased"), "text")
  const code = `
import fcntl, os, signal, sys
# That somebody asks for the file is no reason to give it up.
signal.signal(signal.SIGIO, signal.SIG_IGN)
fd = os.open(sys.argv[1], os.O_RDWR)
fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)
print("leased", flush=True)
sys.stdin.read()`
  const holder = promisify(execFile)("python3", ["-c", code, join(root, "leased")])
  await new Promise((resolve) => holder.child.stdout?.once("data", resolve))
  expect(await openFile(root, "leased")).toBeNull()
  holder.child.stdin?.end()
  await holder
  const file = await openFile(root, "leased")
  expect(file?.size).toBe(4)
  expect(await text(file?.content ?? Readable.from([]))).toBe("text")
})
