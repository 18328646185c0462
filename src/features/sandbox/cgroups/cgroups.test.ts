import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, onTestFinished, test } from "vitest"
import { defaultLimits } from "../fixtures/default-limits.ts"
import { type Kernel, openCgroups } from "./cgroups.ts"

const instance = {
  directoryId: "dir",
  id: "mine",
  isLive: (id: string) => id === "mine" || id === "other",
  end() {},
}

/** Creates a version 2 hierarchy as plain files, with a group of the gateway. */
async function makeTree() {
  const root = await mkdtemp(join(tmpdir(), "agent-gateway-cgroup-"))
  onTestFinished(() => rm(root, { recursive: true }))
  const own = join(root, "own")
  await mkdir(own)
  for (const group of [root, own]) await writeFile(join(group, "cgroup.subtree_control"), "cpu io")
  const kernel: Kernel = {
    async proc(name) {
      return name === "cgroup" ? "0::/own\n" : `31 25 0:27 / ${root} rw,relatime - cgroup2 cgroup2 rw\n`
    },
    async removeGroup(folder) {
      const pids = (await readFile(join(folder, "cgroup.procs"), "utf8").catch(() => "")).split("\n")
      if (pids.some((pid) => pid !== "" && isRunning(Number(pid)))) {
        throw Object.assign(new Error("busy"), { code: "EBUSY" })
      }
      await rm(folder, { recursive: true })
    },
  }
  return { root, own, kernel }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

async function open(kernel: Kernel) {
  const cgroups = await openCgroups({ ...defaultLimits, memoryMb: 2, pids: 9, cpus: 0.5 }, instance, kernel)
  if (typeof cgroups === "string") throw new Error(cgroups)
  return cgroups
}

test("on version 2, a group is one folder with every limit, below the gateway's own group", async () => {
  const { own, kernel } = await makeTree()
  const cgroups = await open(kernel)
  expect(cgroups.version).toBe(2)
  expect(await readFile(join(own, "cgroup.subtree_control"), "utf8")).toBe("+memory +pids")
  const group = await cgroups.create()
  expect(group.folders).toEqual([join(own, "agent-gateway-dir.mine.2")])
  const [folder = ""] = group.folders
  const limit = (name: string) => readFile(join(folder, name), "utf8")
  expect(await limit("memory.max")).toBe(String(2 * 1024 * 1024))
  expect(await limit("pids.max")).toBe("9")
  expect(await limit("cpu.max")).toBe("50000 100000")
  await group.end()
  expect(await readdir(own)).toEqual(["cgroup.subtree_control"])
})

test("on version 2, the end uses the group's kill switch, and then kills remaining processes one by one", async () => {
  const { kernel } = await makeTree()
  const group = await (await open(kernel)).create()
  const [folder = ""] = group.folders
  const child = spawn("sleep", ["60"])
  const exited = once(child, "exit")
  await writeFile(join(folder, "cgroup.kill"), "")
  await writeFile(join(folder, "cgroup.procs"), `${child.pid}\n`)
  let switches = ""
  const watching: Kernel["removeGroup"] = kernel.removeGroup
  kernel.removeGroup = async (path) => {
    switches = `${await readFile(join(path, "pids.max"), "utf8")} ${await readFile(join(path, "cgroup.kill"), "utf8")}`
    await watching(path)
  }
  await group.end()
  expect(switches).toBe("0 1")
  expect(await exited).toEqual([null, "SIGKILL"])
})

test("on version 2, the group's events report out of memory", async () => {
  const { kernel } = await makeTree()
  const group = await (await open(kernel)).create()
  const events = join(group.folders[0] ?? "", "memory.events")
  expect(await group.outOfMemory()).toBe(false)
  await writeFile(events, "low 0\nhigh 0\nmax 12\noom 1\noom_kill 0\n")
  expect(await group.outOfMemory()).toBe(false)
  await writeFile(events, "low 0\nhigh 0\nmax 12\noom 1\noom_kill 2\noom_group_kill 0\n")
  expect(await group.outOfMemory()).toBe(true)
  await group.end()
})

test("the root of the mount is used if a group may not delegate its controllers, and then no group", async () => {
  const { root, own, kernel } = await makeTree()
  const closeFile = async (group: string) => {
    await rm(join(group, "cgroup.subtree_control"))
    await mkdir(join(group, "cgroup.subtree_control"))
  }
  await closeFile(own)
  const group = await (await open(kernel)).create()
  expect(group.folders).toEqual([join(root, "agent-gateway-dir.mine.2")])
  await group.end()
  await closeFile(root)
  expect(await openCgroups(defaultLimits, instance, kernel)).toMatch(/EISDIR/)
})

test("only groups of dead processes of the same directory are reaped", async () => {
  const { own, kernel } = await makeTree()
  const cgroups = await open(kernel)
  const names = ["dir.mine.1", "dir.other.1", "dir.dead.1", "elsewhere.dead.1"].map(
    (name) => `agent-gateway-${name}`,
  )
  for (const name of names) await mkdir(join(own, name))
  await cgroups.reap()
  const left = names.filter((name) => name !== "agent-gateway-dir.dead.1")
  expect((await readdir(own)).toSorted()).toEqual([...left, "cgroup.subtree_control"].toSorted())
})
