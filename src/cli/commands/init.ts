import { basename, relative, resolve } from "node:path"
import { createInterface } from "node:readline/promises"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { closestWord } from "../../core/text/closest-word.ts"
import { packageVersion } from "../../gateway/package-version.ts"
import type { CliContext } from "../cli-context.ts"
import { parseUsage, UsageError } from "../cli-error.ts"
import { exitCodes } from "../exit-codes.ts"
import { findGatewayPackage } from "../init/find-gateway-package.ts"
import { readTemplate, type TemplateName, templateNames } from "../init/read-template.ts"
import { writeProject } from "../init/write-project.ts"

const defaultTemplate: TemplateName = "tools"
/** Maximum length of a name for npm. */
const maxNameLength = 214

const ownPackage = fileURLToPath(new URL("../../..", import.meta.url))

/** `init [DIR]` creates a project with an agent that runs at once. */
export async function initCommand(context: CliContext): Promise<number> {
  const { directory, template: wanted, gateway: named } = parse(context.argv)
  const folder = resolve(context.cwd, directory)
  const template = wanted ?? (await askForTemplate(context))
  const gateway =
    named === undefined
      ? await findGatewayPackage(ownPackage, packageVersion)
      : { spec: named, makeWith: null }
  const files = await readTemplate(template, { project: projectName(folder), gateway: gateway.spec })
  await writeProject(folder, files)
  context.stdout.write(nextSteps(relative(context.cwd, folder), template, gateway.makeWith))
  return exitCodes.success
}

function parse(argv: readonly string[]) {
  const { values, positionals } = parseUsage("init", () =>
    parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: { template: { type: "string" }, gateway: { type: "string" }, verbose: { type: "boolean" } },
    }),
  )
  const [directory = ".", extra] = positionals
  if (extra !== undefined)
    throw new UsageError(`unexpected argument ${extra} (see agent-gateway init --help)`)
  const { template, gateway } = values
  return { directory, template: template === undefined ? null : templateNamed(template), gateway }
}

function templateNamed(name: string): TemplateName {
  const found = templateNames.find((template) => template === name)
  if (found !== undefined) return found
  const meant = closestWord(name, templateNames)
  const hint = meant === null ? `the templates are ${templateNames.join(", ")}` : `did you mean ${meant}?`
  throw new UsageError(`unknown template ${name}; ${hint} (see agent-gateway init --help)`)
}

/** Asks for the template, if there is a terminal. */
async function askForTemplate({ stdin, stdout, signal }: CliContext): Promise<TemplateName> {
  if (!("isTTY" in stdin) || stdin.isTTY !== true || stdout.isTTY !== true) return defaultTemplate
  const lines = createInterface({ input: stdin })
  try {
    stdout.write(`Template (${templateNames.join(", ")}) [${defaultTemplate}]: `)
    const answer = (await lines.question("", { signal })).trim()
    return answer === "" ? defaultTemplate : templateNamed(answer)
  } finally {
    lines.close()
  }
}

/** Returns the folder's name in a form that npm accepts. */
function projectName(folder: string): string {
  const name = basename(folder)
    .toLowerCase()
    .replace(/[^a-z0-9._~-]+/g, "-")
    .replace(/^[._-]+|-+$/g, "")
    .slice(0, maxNameLength)
  return name === "" ? "my-agent" : name
}

function nextSteps(folder: string, template: TemplateName, makePackage: string | null): string {
  const enter = folder === "" ? [] : [`cd ${/\s/.test(folder) ? JSON.stringify(folder) : folder}`]
  const page =
    template === "react"
      ? ["npm run page      # in another terminal: the page, at http://localhost:5173"]
      : []
  const commands = [
    ...(makePackage === null ? [] : [makePackage]),
    ...enter,
    "npm install",
    "npm start         # the agent, with a console in the browser",
    ...page,
  ]
  return `Wrote a project from the template ${template}. Next:\n\n${commands.map((line) => `  ${line}\n`).join("")}\n`
}
