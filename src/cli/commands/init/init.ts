import { basename, relative, resolve } from "node:path"
import { createInterface } from "node:readline/promises"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { findClosestWord } from "../../../core/text/closest-word.ts"
import { packageVersion } from "../../../gateway/package-version.ts"
import type { CliContext } from "../../cli-context.ts"
import { parseUsage, UsageError } from "../../cli-error.ts"
import { exitCodes } from "../../exit-codes.ts"
import { findGatewayPackage, type GatewayPackage, resolveNamedPackage } from "./find-gateway-package.ts"
import { findOlderNode, type MachineNode, minimumNode } from "./find-older-node.ts"
import { readTemplate, type TemplateName, templateNames } from "./read-template.ts"
import { writeProject } from "./write-project.ts"

const defaultTemplate: TemplateName = "tools"
/** Maximum length of a name for npm. */
const maxNameLength = 214

const ownPackage = fileURLToPath(new URL("../../../..", import.meta.url))

/** `init [DIR]` creates a project with an agent that runs at once. */
export async function runInitCommand(context: CliContext): Promise<number> {
  const { directory, template: wanted, gateway: named } = parse(context.argv)
  const folder = resolve(context.cwd, directory)
  const template = wanted ?? (await askForTemplate(context))
  const gateway =
    named === undefined
      ? await findGatewayPackage(ownPackage, packageVersion)
      : await resolveNamedPackage(named, [context.cwd, folder])
  const olderNode = await findOlderNode(context)
  const bringsNode = olderNode !== null
  const files = await readTemplate(template, { project: toProjectName(folder), gateway, bringsNode })
  await writeProject(folder, files, gateway)
  context.stdout.write(formatNextSteps(relative(context.cwd, folder), template, gateway))
  if (olderNode !== null) context.stdout.write(describeNode(olderNode))
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
  return { directory, template: template === undefined ? null : findTemplate(template), gateway }
}

function findTemplate(name: string): TemplateName {
  const found = templateNames.find((template) => template === name)
  if (found !== undefined) return found
  const meant = findClosestWord(name, templateNames)
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
    return answer === "" ? defaultTemplate : findTemplate(answer)
  } finally {
    lines.close()
  }
}

/** Returns the folder's name in a form that npm accepts. */
function toProjectName(folder: string): string {
  const name = basename(folder)
    .toLowerCase()
    .replace(/[^a-z0-9._~-]+/g, "-")
    .replace(/^[._-]+|-+$/g, "")
    .slice(0, maxNameLength)
  return name === "" ? "my-agent" : name
}

function formatNextSteps(folder: string, template: TemplateName, gateway: GatewayPackage): string {
  const enter = folder === "" ? [] : [`cd ${quote(folder)}`]
  const page =
    template === "react"
      ? ["npm run page      # in another terminal: the page, at http://localhost:5173"]
      : []
  const commands = [
    ...enter,
    ...packCommand(gateway),
    "npm install",
    "npm start         # the agent, with a console in the browser",
    ...page,
  ]
  const next = commands.map((line) => `  ${line}\n`).join("")
  return `Wrote a project from the template ${template}. Next:\n\n${next}\n${describeLink(gateway)}`
}

/** Returns the command that must create the package file in the project first. */
function packCommand({ file }: GatewayPackage): readonly string[] {
  return file?.from.type === "pack" ? [`npm pack ${quote(file.from.folder)}`] : []
}

function describeLink({ spec, file }: GatewayPackage): string {
  if (file !== null || !spec.startsWith("file:")) return ""
  return (
    "npm will link ai-agent-gateway from a folder outside the project, so docker build cannot install it. " +
    "For a container, create a package file with npm pack, and name it with --gateway.\n"
  )
}

function describeNode({ path, version }: MachineNode): string {
  return (
    `The Node of this machine is ${version} (${path}), and the agent needs ${minimumNode} or newer. Therefore ` +
    "npm install also installs Node 24 into the project. npm start, npm test and npx use that Node.\n"
  )
}

function quote(path: string): string {
  return /[^\w./~-]/.test(path) ? JSON.stringify(path) : path
}
