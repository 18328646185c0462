import { chmod, mkdir, symlink, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { beforeEach, expect, test } from "vitest"
import { temporaryFolder } from "../../../../test/end-to-end/support/temporary-folder.ts"
import { requires } from "../../../../test/needs.ts"
import { findPython } from "./find-python.ts"

beforeEach(() => requires("linux"))

const asCode: readonly string[] = []

/** Creates a folder with a program `python3`. */
async function folderWith(script: string): Promise<string> {
  const folder = join(await temporaryFolder(), "bin")
  await mkdir(folder)
  const file = join(folder, "python3")
  await writeFile(file, `#!/bin/sh\n${script}\n`)
  await chmod(file, 0o755)
  return folder
}

test("the first python3 of the search path that runs is chosen, and a launcher is replaced by its choice", async () => {
  const broken = await folderWith("exit 1")
  const launcher = await folderWith("echo /chosen/python3")
  const other = await folderWith("echo /other/python3")
  const searchPath = `/nowhere:bin:${broken}:${launcher}:${other}`
  expect(await findPython({ python: undefined, searchPath, asCode })).toBe("/chosen/python3")
  const none = { python: undefined, searchPath: `${broken}:.`, asCode }
  expect(await findPython(none)).toBeNull()
})

test("a program that only the gateway's own user can run is passed over", async () => {
  await requires("root")
  const hidden = await folderWith("echo /hidden/python3")
  const open = await folderWith("echo /open/python3")
  await chmod(hidden, 0o700)
  await chmod(join(open, ".."), 0o755)
  const nobody = ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"]
  const options = { python: undefined, searchPath: `${hidden}:${open}`, asCode: nobody }
  expect(await findPython(options)).toBe("/open/python3")
})

test("the option python is a path or a name, and must be a Python that code can run", async () => {
  const folder = await folderWith("echo /chosen/python3")
  await symlink("python3", join(folder, "python3.99"))
  const find = (python: string) => findPython({ python, searchPath: folder, asCode })
  expect(await find(join(folder, "python3"))).toBe("/chosen/python3")
  expect(await find("python3.99")).toBe("/chosen/python3")
  const message = "code cannot start the program that codeExecution.python names"
  const unusable = (detail: unknown) => ({ message, detail })
  await expect(find("python4")).rejects.toMatchObject(unusable(expect.stringMatching(/^python4: .*ENOENT/)))
  await expect(find("/bin/true")).rejects.toMatchObject(unusable("/bin/true: it is not Python"))
})
