import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, it, onTestFinished } from "vitest"
import { spawnGroup } from "./process-group.ts"

async function temporaryFolder() {
  const folder = await mkdtemp(join(tmpdir(), "agent-gateway-group-"))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

async function exitOf(script: string) {
  const group = await spawnGroup({ command: "/bin/sh", args: ["-c", script], env: {}, cwd: null })
  const exit = await group.ended
  await group.terminate()
  return exit
}

it("passes on the exit code of a program that ends before it is awaited", async () => {
  const codes: number[] = []
  for (let start = 0; start < 30; start += 1) {
    const exit = await exitOf("exit 3")
    codes.push("code" in exit ? exit.code : -1)
  }
  expect(new Set(codes)).toEqual(new Set([3]))
})

it.each([
  ["KILL", 137],
  ["TERM", 143],
  ["HUP", 129],
])("reports that %s ended the program", async (signal, code) => {
  expect(await exitOf(`kill -${signal} $$`)).toEqual({ code })
})

it("names the missing program, and where it was looked for", async () => {
  const folder = await temporaryFolder()
  const start = (command: string, cwd: string | null = null) =>
    spawnGroup({ command, args: [], env: { PATH: `${folder}:/usr/bin:/bin` }, cwd })
  await expect(start("no-such-program")).rejects.toThrow(
    `The program no-such-program was not found in PATH (${folder}:/usr/bin:/bin).`,
  )
  await expect(start("/no/such/program")).rejects.toThrow("The program /no/such/program was not found.")
  await expect(start("./server", folder)).rejects.toThrow(`The program ${folder}/server was not found.`)
  await expect(start(folder)).rejects.toThrow(`The program ${folder} is not a file.`)
  await writeFile(join(folder, "server"), "#!/bin/sh\nexit 4\n", { mode: 0o600 })
  await expect(start("server")).rejects.toThrow("The program server was not found in PATH")
  await expect(start("./server", folder)).rejects.toThrow("/server is not executable by this user.")
  await chmod(join(folder, "server"), 0o700)
  const group = await start("server")
  expect(await group.ended).toEqual({ code: 4 })
  await group.terminate()
})
