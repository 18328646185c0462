import { chmod, mkdtemp, stat, truncate, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, onTestFinished, test } from "vitest"
import type { Logger } from "../../core/ports/logger.ts"
import { completeConfig, type SandboxConfig } from "./config.ts"
import { openSandboxes } from "./open-sandboxes.ts"
import { removeTree } from "./workspace/remove-tree.ts"

const logger: Logger = { debug() {}, info() {}, warn() {}, error() {} }

async function folderOf(mode: number) {
  const folder = await mkdtemp(join(tmpdir(), "agent-gateway-open-"))
  onTestFinished(() => removeTree(folder))
  await chmod(folder, mode)
  return folder
}

/** Opens sandboxes on the only backend that needs no installed program, and closes them after the test. */
async function open(directory: string, config: SandboxConfig = {}) {
  const complete = completeConfig({ backends: ["subprocess"], ...config }, { searchPath: undefined })
  const sandboxes = await openSandboxes({ config: complete, directory, ephemeral: false, logger })
  await sandboxes.close()
}

const modeOf = async (path: string) => (await stat(path)).mode & 0o7777

test("an existing directory keeps its mode, and a new one cannot be listed by others", async () => {
  const directory = await folderOf(0o2755)
  await open(directory)
  await open(join(directory, "made"))
  expect(await modeOf(directory)).toBe(0o2755)
  for (const made of ["made", "sessions", "made/sessions"]) {
    expect((await modeOf(join(directory, made))) & 0o777).toBe(0o711)
  }
})

test("a directory is refused if the users of code cannot pass through it, or if any user can write to it", async () => {
  const open777 = await folderOf(0o1777)
  await expect(open(open777)).rejects.toThrow(
    `codeExecution.directory: ${open777} may be written to by every user of this machine (mode 1777)`,
  )
  expect(await modeOf(open777)).toBe(0o1777)
  const closed = await folderOf(0o700)
  if (process.getuid?.() !== 0) return open(closed)
  await expect(open(closed)).rejects.toThrow(`chmod o+x ${closed}`)
  expect(await modeOf(closed)).toBe(0o700)
})

test("files over the session's limit are refused with their size", async () => {
  const directory = await folderOf(0o711)
  const [half, empty] = [join(directory, "half"), join(directory, "empty")]
  await writeFile(empty, "")
  await writeFile(half, "")
  await truncate(half, 1024 * 512)
  await expect(
    open(directory, { diskMb: 1, files: { "a.bin": half, "b.bin": half, c: empty } }),
  ).rejects.toThrow(
    "codeExecution.files: each session's copies take 1.1 MB, and codeExecution.diskMb allows 1 MB",
  )
  // Empty files and the folders above them take space as well.
  const many = Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`${n}/empty`, empty]))
  await expect(open(directory, { diskMb: 1, files: many })).rejects.toThrow("diskMb allows 1 MB")
  await open(directory, { diskMb: 1, files: { "in/a.bin": half, empty } })
  await expect(open(directory, { files: { x: "/no/such/file" } })).rejects.toThrow(
    /^codeExecution\.files: .*\/no\/such\/file/,
  )
})
