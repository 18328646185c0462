import { resolve } from "node:path"
import { parseArgs } from "node:util"
import { buildSandboxImage } from "../../gateway/operate/build-sandbox-image.ts"
import type { CliContext } from "../cli-context.ts"
import { parseUsage, UsageError } from "../cli-error.ts"
import { describeActionProblem } from "../command-words.ts"
import { exitCodes } from "../exit-codes.ts"

/** `sandbox build` builds the image that runs code, with the Docker engine of this machine. */
export async function runSandboxCommand({ argv, env, cwd, stdout, stderr }: CliContext): Promise<number> {
  const { tag, base, file } = parse(argv)
  const built = await buildSandboxImage({
    env,
    ...(tag === undefined ? {} : { tag }),
    ...(base === undefined ? {} : { base }),
    ...(file === undefined ? {} : { file: resolve(cwd, file) }),
    // Programs in the build redraw their progress with carriage returns.
    onOutput: (text) => stderr.write(text.replace(/\r\n?/g, "\n")),
  })
  stdout.write(`built ${built}\n`)
  return exitCodes.success
}

function parse(argv: readonly string[]) {
  const { values, positionals } = parseUsage("sandbox", () =>
    parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        tag: { type: "string" },
        base: { type: "string" },
        file: { type: "string" },
        verbose: { type: "boolean" },
      },
    }),
  )
  const [action, extra] = positionals
  const usage = "usage: agent-gateway sandbox build"
  if (action !== "build") throw new UsageError(`${describeActionProblem("sandbox", action)}; ${usage}`)
  if (extra !== undefined) throw new UsageError(`unexpected argument ${extra}; ${usage}`)
  return values
}
