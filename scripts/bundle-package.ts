// Replaces the modules that `tsc` wrote to `dist/` with a few files, because Node spends a third of the gateway's start
// on finding and linking a thousand modules. The declarations stay, and npm's packages are not part of the files.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { type OutputOptions, type Plugin, rolldown } from "rolldown"

const dist = join(import.meta.dirname, "../dist")

/** The files of the package, and two for the tests and the benchmarks, which open stores with internal options. */
const entries = {
  index: "index.js",
  testing: "testing/index.js",
  cli: "cli/main.js",
  "postgres-store": "adapters/stores/postgres/open.js",
  "sqlite-store": "adapters/stores/sqlite/open.js",
}

/** Programs of threads and processes. Each becomes one complete file, which loads no more than the program needs. */
const programs = [
  "adapters/stores/sqlite/database/checkpoint-thread",
  "features/sandbox/disk/owner-process",
  "http/body/parse-thread",
  "kernel/tools/images/image-program",
  "kernel/tools/schema-check/thread",
]

/** Lets a module find the package's files from where `tsc` put it. The bundles lie in `dist/` itself. */
const keepLocations: Plugin = {
  name: "keep-locations",
  transform: (code, id) =>
    code.includes("import.meta.url")
      ? code.replaceAll("import.meta.url", `new URL("./${relative(dist, id)}", import.meta.url).href`)
      : null,
}

const files = [
  ...(await bundle(entries, {}, [keepLocations])),
  ...(
    await Promise.all(programs.map((name) => bundle({ [name]: `${name}.js` }, { codeSplitting: false })))
  ).flat(),
]
removeModules()
for (const { fileName, code } of files) {
  mkdirSync(dirname(join(dist, fileName)), { recursive: true })
  writeFileSync(join(dist, fileName), code)
}

/** Resolves to the files and their code. They import npm's packages and each other. */
async function bundle(
  input: Readonly<Record<string, string>>,
  options: OutputOptions,
  plugins: readonly Plugin[] = [],
): Promise<{ readonly fileName: string; readonly code: string }[]> {
  const build = await rolldown({
    input: Object.fromEntries(Object.entries(input).map(([name, file]) => [name, join(dist, file)])),
    platform: "node",
    external: /^[^./]/,
    plugins: [...plugins],
  })
  try {
    const names = {
      entryFileNames: "[name].js",
      chunkFileNames: "shared-[hash].js",
      minifyInternalExports: false,
    }
    const { output } = await build.generate({ ...options, ...names, format: "esm" })
    return output.filter((file) => file.type === "chunk")
  } finally {
    await build.close()
  }
}

/** Removes all modules but those of the client, of which an application's bundler leaves out what it does not use. */
function removeModules(): void {
  for (const file of readdirSync(dist, { recursive: true, encoding: "utf8" })) {
    if (file.endsWith(".js") && !/^(client|console-page)\//.test(file)) rmSync(join(dist, file))
  }
}
