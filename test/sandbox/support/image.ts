import { execFile } from "node:child_process"
import { createHash, randomUUID } from "node:crypto"
import { existsSync, globSync } from "node:fs"
import { mkdir, rename, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { requirePrograms } from "../../debian-packages.ts"

const suite = "bookworm"
const include = "python3,dash,coreutils,nodejs"
const leftOut = ["/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*"]

/**
 * Returns a tar file of a root file system with Python and Node, which is made of Debian packages from this machine's
 * apt sources. The file is kept in the temporary folder for the next run.
 */
export async function rootFileSystem(): Promise<string> {
  const recipe = createHash("sha256")
    .update(`${suite} ${include} ${leftOut.join(" ")}`)
    .digest("hex")
    .slice(0, 12)
  const cache = join(tmpdir(), "agent-gateway-test-image")
  const file = join(cache, `${recipe}.tar`)
  if (existsSync(file)) return file
  await requirePrograms("mmdebstrap")
  await mkdir(cache, { recursive: true })
  const passing = join(cache, `${recipe}-${randomUUID()}.tar`)
  const args = [
    ...[
      "--variant=extract",
      `--include=${include}`,
      "--aptopt=Acquire::Languages none",
      "--aptopt=Acquire::Retries 3",
    ],
    ...leftOut.map((path) => `--dpkgopt=path-exclude=${path}`),
    ...[suite, passing, ...debianSources()],
  ]
  try {
    await promisify(execFile)("mmdebstrap", args, { timeout: 300_000, maxBuffer: 64 * 1024 * 1024 })
    await rename(passing, file)
  } finally {
    await rm(passing, { force: true })
  }
  return file
}

/** Returns the apt sources of Debian itself, without other sources of this machine. */
function debianSources(): readonly string[] {
  const files = ["/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list"].filter((file) =>
    existsSync(file),
  )
  const [first] = files.length > 0 ? files : globSync("/etc/apt/sources.list.d/*.sources")
  if (first === undefined) throw new Error("apt has no sources here, so no image can be built.")
  return [first]
}
