import { execFileSync } from "node:child_process"
import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, onTestFinished, test } from "vitest"
import { removeTree } from "./remove-tree.ts"

async function temporaryFolder() {
  const folder = await mkdtemp(join(tmpdir(), "agent-gateway-remove-"))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

test("a tree of any depth, with closed folders and odd names, is removed", async () => {
  const tree = join(await temporaryFolder(), "tree")
  await mkdir(join(tree, "closed/inner"), { recursive: true })
  await writeFile(join(tree, "closed/inner/\n"), "")
  execFileSync(
    "/bin/sh",
    ["-c", "i=0; while [ $i -lt 2000 ]; do mkdir d && cd d; i=$((i+1)); done; : >end"],
    {
      cwd: tree,
    },
  )
  for (const [path, mode] of [
    ["closed/inner", 0],
    ["closed", 0o500],
    ["", 0o400],
  ] as const) {
    await chmod(join(tree, path), mode)
  }
  await removeTree(tree)
  await expect(lstat(tree)).rejects.toMatchObject({ code: "ENOENT" })
})

test("a link is removed and not followed, both as the tree itself and inside it", async () => {
  const folder = await temporaryFolder()
  const target = join(folder, "target")
  await mkdir(target, { mode: 0o500 })
  await symlink(target, join(folder, "link"))
  await mkdir(join(folder, "tree"))
  await symlink(target, join(folder, "tree/link"))
  await removeTree(join(folder, "link"))
  await removeTree(join(folder, "tree"))
  expect(await readdir(folder)).toEqual(["target"])
  expect((await lstat(target)).mode & 0o777).toBe(0o500)
})

test("a file is removed, and a missing path is not an error", async () => {
  const folder = await temporaryFolder()
  await writeFile(join(folder, "file"), "")
  await removeTree(join(folder, "file"))
  await removeTree(join(folder, "file"))
  expect(await readdir(folder)).toEqual([])
})

test("an abort stops the removal, and a later one finishes it", async () => {
  const folder = await temporaryFolder()
  const tree = join(folder, "tree")
  await mkdir(tree)
  for (let index = 0; index < 100; index += 1) await writeFile(join(tree, String(index)), String(index))
  const stop = new AbortController()
  const reason = new Error("enough")
  const removing = removeTree(tree, stop.signal)
  stop.abort(reason)
  await expect(removing).rejects.toBe(reason)
  const [left = ""] = await readdir(tree)
  expect(await readFile(join(tree, left), "utf8")).toBe(left)
  await removeTree(tree)
  expect(await readdir(folder)).toEqual([])
})
