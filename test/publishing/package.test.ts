import { execFile } from "node:child_process"
import { lstatSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"
import { beforeAll, expect, it } from "vitest"

const repository = join(import.meta.dirname, "../..")

interface Published {
  readonly size: number
  readonly unpackedSize: number
  readonly files: readonly { readonly path: string }[]
}

/** Asks npm what it would publish from a folder. No registry is contacted. */
async function publish(folder: string): Promise<Published> {
  // The build that the tests use has already run, and its folder must not change under other tests.
  const args = [
    "publish",
    "--dry-run",
    "--json",
    "--ignore-scripts",
    "--registry",
    "http://127.0.0.1:9/",
    "--fetch-retries=0",
  ]
  const { stdout } = await promisify(execFile)("npm", args, {
    cwd: join(repository, folder),
    maxBuffer: 64 * 1024 * 1024,
  })
  const output = JSON.parse(stdout)
  // npm 11 prints the package itself. Other versions print an object with the packages by name.
  const published: Published | undefined = "files" in output ? output : Object.values(output)[0]
  if (published === undefined) throw new Error(`npm printed no package: ${stdout}`)
  return published
}

/** Every published file is of one of these kinds, and each kind is published. */
const kinds = [
  /^(ARCHITECTURE|CHANGELOG|CONTRIBUTING|README|SECURITY)\.md$/,
  /^(LICENSE|llms\.txt|package\.json)$/,
  /^bin\/agent-gateway\.js$/,
  /^dist\/(cli|index|testing|sqlite-store|postgres-store|shared-[\w-]+)\.js$/,
  /^dist\/client\/.+\.js$/,
  // Programs of threads and of other processes.
  /^dist\/(adapters|features|http|kernel|platform)\/.+(-thread|-process|-program|\/thread)\.js$/,
  /^dist\/(?!.*(\.test\.|\/fixtures\/)).+\.d\.ts$/,
  /^dist\/console-page\/(index\.html|assets\/.+)$/,
  /^docs\/(.+\/)?[\w-]+\.(md|png|svg|gif|json|yaml)$/,
  /^examples\/(README\.md|\d\d-[\w-]+\/.+)$/,
  /^sandbox-image\/Dockerfile$/,
  /^templates\/(common|full|minimal|react|skills|tools)\/.+$/,
]

let gateway: Published
beforeAll(async () => {
  gateway = await publish(".")
})

it("publishes only files of known kinds, and nothing that a run or a test leaves behind", () => {
  const paths = gateway.files.map(({ path }) => path)
  expect(paths.filter((path) => !kinds.some((kind) => kind.test(path)))).toEqual([])
  expect(kinds.filter((kind) => !paths.some((path) => kind.test(path)))).toEqual([])
  const { exports, bin } = JSON.parse(readFileSync(join(repository, "package.json"), "utf8"))
  const named = [...Object.values<string | object>(exports), bin].flatMap((entry) =>
    typeof entry === "string" ? [entry] : Object.values<string>(entry),
  )
  const missing = named.filter((path) => !paths.includes(path.replace("./", "")))
  expect(missing).toEqual([])
  expect(
    paths.filter((path) => /\.agent-gateway|node_modules|package-lock|\.env$|\.log$/.test(path)),
  ).toEqual([])
})

it("publishes the command of npm create with nothing else", async () => {
  const paths = (await publish("create")).files.map(({ path }) => path)
  expect(paths.sort()).toEqual(["LICENSE", "README.md", "create.js", "package.json"])
})

const megabyte = 1_000_000

it("keeps to its budget: 2.2 MB packed, 7 MB unpacked, and 45 MB installed with all it depends on", () => {
  const { size, unpackedSize } = gateway
  expect(size).toBeLessThan(2.2 * megabyte)
  expect(unpackedSize).toBeLessThan(7 * megabyte)
  const lock = JSON.parse(readFileSync(join(repository, "package-lock.json"), "utf8"))
  const installed = Object.entries<Record<string, unknown>>(lock.packages)
    .filter(
      ([path, entry]) => path !== "" && !entry.dev && !entry.devOptional && !entry.peer && !entry.optional,
    )
    .map(([path]) => measure(join(repository, path)))
  expect(installed.length).toBeGreaterThan(10)
  expect(installed.reduce((sum, bytes) => sum + bytes, unpackedSize)).toBeLessThan(45 * megabyte)
})

/** Returns the bytes of a package's files, without those of packages inside it. */
function measure(folder: string): number {
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => name !== "node_modules")
    .map((entry) => {
      const path = join(folder, entry.name)
      return entry.isDirectory() ? measure(path) : lstatSync(path).size
    })
    .reduce((sum, bytes) => sum + bytes, 0)
}
