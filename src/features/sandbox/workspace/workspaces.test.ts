import { chmod, chown, link, mkdtemp, readdir, readFile, stat, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { expect, onTestFinished, test } from "vitest"
import { openFile } from "./files.ts"
import { removeTree } from "./remove-tree.ts"
import { openWorkspaces } from "./workspaces.ts"

async function temporaryFolder() {
  const folder = await mkdtemp(join(tmpdir(), "agent-gateway-workspaces-"))
  onTestFinished(() => removeTree(folder))
  await chmod(folder, 0o711)
  return folder
}

test("a working directory is created once, even for concurrent callers, and only for its owner", async () => {
  const directory = await temporaryFolder()
  const workspaces = await openWorkspaces({ directory, inputFiles: {} })
  const other = await openWorkspaces({ directory, inputFiles: {} })
  expect(await workspaces.find("sess_a")).toBeNull()
  const opened = await Promise.all([workspaces, workspaces, other].map((each) => each.open("sess_a")))
  expect(new Set(opened.map(({ path }) => path)).size).toBe(1)
  const [first] = opened
  for (const workspace of opened) expect(workspace).toEqual(first)
  expect((await stat(first?.path ?? "")).mode & 0o777).toBe(0o700)
  const second = await workspaces.open("sess_b")
  expect(second.path).not.toBe(first?.path)
  if (process.getuid?.() === 0) expect(second.owner?.uid).not.toBe(first?.owner?.uid)
})

test("other users of the machine cannot reach a working directory, even if its owner opens it", async () => {
  const directory = await temporaryFolder()
  const workspaces = await openWorkspaces({ directory, inputFiles: {} })
  const { path, owner } = await workspaces.open("sess_a")
  const place = dirname(path)
  const expected = owner === null ? 0o700 : 0o710
  expect((await stat(place)).mode & 0o777).toBe(expected)
  if (owner !== null) expect((await stat(place)).gid).toBe(owner.gid)
  // An earlier version created the folder with this mode.
  await chmod(place, 0o711)
  await workspaces.open("sess_a")
  expect((await stat(place)).mode & 0o777).toBe(expected)
})

test("a removed working directory leaves nothing behind, and frees its user", async () => {
  const directory = await temporaryFolder()
  const workspaces = await openWorkspaces({ directory, inputFiles: {} })
  const { path } = await workspaces.open("sess_a")
  await writeFile(join(path, "file"), "")
  await workspaces.remove("sess_a")
  await workspaces.remove("sess_a")
  for (const folder of await readdir(directory)) expect(await readdir(join(directory, folder))).toEqual([])
})

test("the folder is inside with any session id, and the id can be read back", async () => {
  const directory = await temporaryFolder()
  const workspaces = await openWorkspaces({ directory, inputFiles: {} })
  const ids = ["sess_a", "../../etc", "a/b", "", "~", "ü\n"]
  for (const id of ids)
    expect((await workspaces.open(id)).path.startsWith(`${directory}/sessions/`)).toBe(true)
  expect(await readdir(join(directory, "sessions"))).toHaveLength(ids.length)
  expect([...(await workspaces.madeBefore(Date.now() + 60_000))].sort()).toEqual(ids.toSorted())
  expect(await workspaces.madeBefore(0)).toEqual([])
})

test("each session has its own copy of the input files, and unreadable ones are named", async () => {
  const directory = await temporaryFolder()
  const source = join(directory, "source.txt")
  await writeFile(source, "given")
  const workspaces = await openWorkspaces({
    directory: join(directory, "a"),
    inputFiles: { "in/copy.txt": source },
  })
  const { path } = await workspaces.open("sess_a")
  await writeFile(join(path, "in/copy.txt"), "changed")
  const { path: other } = await workspaces.open("sess_b")
  expect(await readFile(join(other, "in/copy.txt"), "utf8")).toBe("given")
  const missing = await openWorkspaces({
    directory: join(directory, "b"),
    inputFiles: { x: "/no/such/file" },
  })
  await expect(missing.open("sess_a")).rejects.toThrow(/codeExecution\.files: .*\/no\/such\/file/)
})

test("an interrupted removal is finished later, and only then is its user free", async () => {
  const directory = await temporaryFolder()
  const workspaces = await openWorkspaces({ directory, inputFiles: {} })
  const { path, owner } = await workspaces.open("sess_a")
  await writeFile(join(path, "file"), "")
  const reason = new Error("closing")
  await expect(workspaces.remove("sess_a", AbortSignal.abort(reason))).rejects.toBe(reason)
  expect(await workspaces.find("sess_a")).toBeNull()
  expect(await readdir(join(directory, "users"))).toEqual(owner === null ? [] : [String(owner.uid)])
  await workspaces.finishRemovals()
  for (const folder of await readdir(directory)) expect(await readdir(join(directory, folder))).toEqual([])
})

test("a hard link to a file of another user is not read, because code may not read it", async () => {
  const directory = await temporaryFolder()
  const workspaces = await openWorkspaces({ directory, inputFiles: {} })
  const { path, owner } = await workspaces.open("sess_a")
  await writeFile(join(directory, "secret"), "of the host", { mode: 0o600 })
  await link(join(directory, "secret"), join(path, "link"))
  const opened = await openFile(path, "link")
  await opened?.content[Symbol.asyncIterator]().return?.()
  // If code has no user of its own, it can read everything that the gateway can read.
  expect(opened === null).toBe(owner !== null)
})

test("a working directory with an unknown owner is not opened, because its code would run as that user", async () => {
  const directory = await temporaryFolder()
  const workspaces = await openWorkspaces({ directory, inputFiles: {} })
  const { path, owner } = await workspaces.open("sess_a")
  if (owner === null) return
  // A copy that root has made belongs to root.
  await chown(path, 0, 0)
  await expect(workspaces.open("sess_a")).rejects.toMatchObject({
    code: "sandbox_unavailable",
    detail: expect.stringContaining("belongs to user 0"),
  })
  await chown(path, owner.uid, owner.gid)
  expect(await workspaces.open("sess_a")).toMatchObject({ path, owner })
})
