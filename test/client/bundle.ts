import { type RolldownOptions, rolldown } from "rolldown"

/** Bundles a module like an application. Resolves to the minified code. */
export async function bundle(input: string, options: RolldownOptions = {}): Promise<string> {
  const build = await rolldown({ input, platform: "browser", ...options })
  try {
    const { output } = await build.generate({ format: "esm", minify: true })
    return output[0].code
  } finally {
    await build.close()
  }
}
